/* A stand-in for libamd_smi.so. It answers from the text file named by WATTMARK_FAKE_AMDSMI, read at every
 * call, with one "key value" per line; a key that is not there is not supported.
 *
 *   count 2            GPUs, one per socket   0.uuid, 0.name     text
 *   init_rc 34         code of init           0.energy           counts of 15.3 uJ
 *   0.rc 40            code of every call     0.current, 0.average   W
 *   0.edge, 0.junction degrees
 *   0.cap, 0.default   uW                     layout old         of amdsmi_power_info_t: old or new
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, INVALID = 1, NOT_SUPPORTED = 2, NOT_INIT = 32 };

static pid_t owner = -1;
static int cells[16];

static int look(const char *key, char *value, size_t size) {
    const char *path = getenv("WATTMARK_FAKE_AMDSMI");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[256];
    size_t length = strlen(key);
    int found = 0;
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            snprintf(value, size, "%s", line + length + 1);
            found = 1;
        }
    }
    fclose(file);
    return found;
}

static int code(const char *key) {
    char value[64];
    return look(key, value, sizeof value) ? atoi(value) : OK;
}

static int text(void *gpu, const char *what, char *value, size_t size) {
    char key[64];
    if (owner != getpid()) return NOT_INIT;
    snprintf(key, sizeof key, "%d.rc", *(int *)gpu);
    if (code(key)) return code(key);
    snprintf(key, sizeof key, "%d.%s", *(int *)gpu, what);
    return look(key, value, size) ? OK : NOT_SUPPORTED;
}

static int number(void *gpu, const char *what, uint64_t *value) {
    char said[64];
    int rc = text(gpu, what, said, sizeof said);
    if (rc == OK) *value = strtoull(said, NULL, 10);
    return rc;
}

int amdsmi_init(uint64_t flags) {
    int rc = code("init_rc");
    if (flags != 2) return INVALID;
    if (rc == OK) owner = getpid();
    return rc;
}

int amdsmi_shut_down(void) {
    if (owner != getpid()) return NOT_INIT;
    owner = -1;
    return OK;
}

int amdsmi_get_socket_handles(uint32_t *count, void **sockets) {
    if (owner != getpid()) return NOT_INIT;
    if (sockets)
        for (uint32_t i = 0; i < *count; i++) {
            cells[i] = (int)i;
            sockets[i] = &cells[i];
        }
    *count = (uint32_t)code("count");
    return OK;
}

int amdsmi_get_processor_handles(void *socket, uint32_t *count, void **processors) {
    if (owner != getpid()) return NOT_INIT;
    if (processors) processors[0] = socket;
    *count = 1;
    return OK;
}

int amdsmi_get_gpu_device_uuid(void *gpu, unsigned *length, char *value) {
    return text(gpu, "uuid", value, *length);
}

int amdsmi_get_gpu_asic_info(void *gpu, char *info) { return text(gpu, "name", info, 64); }

int amdsmi_get_energy_count(void *gpu, uint64_t *count, float *resolution, uint64_t *stamp) {
    *resolution = 15.3f;
    *stamp = 0;
    return number(gpu, "energy", count);
}

int amdsmi_get_power_cap_info(void *gpu, uint32_t sensor, uint64_t *caps) {
    if (sensor != 0) return INVALID;
    caps[1] = UINT64_MAX;
    number(gpu, "default", &caps[1]);
    return number(gpu, "cap", &caps[0]);
}

int amdsmi_get_temp_metric(void *gpu, int sensor, int metric, int64_t *value) {
    uint64_t celsius = 0;
    int rc = metric == 0 && sensor < 2 ? number(gpu, sensor ? "junction" : "edge", &celsius) : INVALID;
    *value = (int64_t)celsius;
    return rc;
}

int amdsmi_get_power_info(void *gpu, void *info) {
    char layout[16] = "new";
    uint64_t current = UINT32_MAX, average = UINT32_MAX;
    uint32_t words[4] = {0};
    int rc = number(gpu, "current", &current), rc2 = number(gpu, "average", &average);
    if (rc != OK && rc2 != OK) return rc;
    look("layout", layout, sizeof layout);
    if (strcmp(layout, "new") == 0) {
        words[0] = UINT32_MAX; /* socket_power, 64 bits, not filled in by this driver */
        words[1] = 0;
        words[2] = (uint32_t)current;
        words[3] = (uint32_t)average;
    } else {
        words[0] = (uint32_t)current;
        words[1] = (uint32_t)average;
        words[2] = 806; /* gfx_voltage, mV */
    }
    memcpy(info, words, sizeof words);
    return OK;
}
