// SPDX-License-Identifier: GPL-3.0-or-later
// The program: reads its arguments and hands over to a command or the workbench.
#include <stdio.h>

int main(void) {
    puts("prompter");
    return 0;
}
