// SPDX-License-Identifier: GPL-3.0-or-later
// Joins the configuration file with the table of settings.
#include "tui/cli_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/tune/preset.h"
#include "sessions/method.h"
#include "tui/cli_options.h"

static bool set_setting(void *settings, const char *name, const char *value, struct error *e) {
    return run_settings_set(settings, name, value, e);
}

static bool each_setting(size_t index, const char **name, char *value, size_t size, const char **values,
                         const char **help) {
    struct run_settings first;
    if (index >= run_setting_count)
        return false;
    run_settings_default(&first);
    *name = run_setting_table[index].name;
    *values = run_setting_table[index].values;
    *help = run_setting_table[index].help;
    return run_settings_get(&first, *name, value, size);
}

void cli_config_default(struct cli_config *c) {
    preferences_default(&c->preferences);
    run_settings_default(&c->settings);
}

bool cli_config_load(struct cli_config *c, const char *path, struct error *e) {
    const struct preference_settings settings = {&c->settings, set_setting, each_setting};
    char *own = path ? NULL : preferences_path();
    cli_config_default(c);
    bool ok = path                      ? preferences_read_file(&c->preferences, path, &settings, e)
              : own && file_exists(own) ? preferences_read_file(&c->preferences, own, &settings, e)
                                        : true;
    free(own);
    return ok;
}

void cli_config_free(struct cli_config *c) {
    preferences_free(&c->preferences);
}

void cli_config_settings(struct run_settings *out) {
    struct cli_config c;
    struct error e = {0};
    if (!cli_config_load(&c, NULL, &e))
        fprintf(stderr, "prompter: %s\n", e.text);
    if (c.preferences.problems.data)
        fputs(c.preferences.problems.data, stderr);
    *out = c.settings;
    cli_config_free(&c);
}

int cli_config_print(void) {
    struct run_settings unused;
    const struct preference_settings settings = {&unused, set_setting, each_setting};
    struct buffer b = {0};
    struct error e = {0};
    preferences_print(&b, &settings);
    if (!buffer_ok(&b, &e)) {
        buffer_free(&b);
        cli_complain("", e.text);
        return CLI_FAILED;
    }
    fputs(b.data, stdout);
    buffer_free(&b);
    return cli_finish("", CLI_OK);
}

int cli_config_check(const char *path) {
    struct cli_config c;
    struct error e = {0};
    int status = CLI_OK;
    if (!cli_config_load(&c, path, &e)) {
        cli_complain("", e.text);
        status = CLI_FAILED;
    } else if (c.preferences.problem_count > 0) {
        fputs(c.preferences.problems.data, stderr);
        status = CLI_FAILED;
    }
    cli_config_free(&c);
    return status;
}

// ---- settings of a session ----

static bool choose_method(struct session *s, const char *name, struct error *e) {
    const struct method *m = method_find(name);
    bool custom = strcmp(name, "custom") == 0;
    return m || custom ? session_choose_method(s, m ? m->method : METHOD_CUSTOM, e) : method_unknown(name, e);
}

// NAME=VALUE; *value is NULL where there is no value.
static bool take_apart(const char *pair, char *name, size_t size, const char **value, struct error *e) {
    const char *equals = strchr(pair, '=');
    if (!equals || (size_t)(equals - pair) >= size)
        return error_set(e, ERROR_INPUT, "--set takes NAME=VALUE, not \"%s\"", pair);
    snprintf(name, size, "%.*s", (int)(equals - pair), pair);
    *value = equals + 1;
    return true;
}

bool cli_set_session(struct session *s, const char *method, const char *preset, const struct cli_values *set,
                     struct error *e) {
    enum preset p;
    char name[128];
    const char *value = NULL;
    for (size_t i = 0; i < set->count; i++) {
        if (!take_apart(set->value[i], name, sizeof name, &value, e))
            return false;
        if (strcmp(name, "method") == 0)
            method = value;
    }
    if (method && !choose_method(s, method, e))
        return false;
    if (preset && !preset_find(&p, preset, e))
        return false;
    struct run_settings settings = *session_settings(s);
    if (preset)
        preset_tune(&settings, p);
    for (size_t i = 0; i < set->count; i++)
        if (!take_apart(set->value[i], name, sizeof name, &value, e) ||
            (strcmp(name, "method") != 0 && !run_settings_set(&settings, name, value, e)))
            return false;
    session_set_settings(s, &settings);
    return true;
}
