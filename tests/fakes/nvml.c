/* A stand-in for libnvidia-ml.so.1. It answers from the text file named by WATTMARK_FAKE_NVML, read at every
 * call, with one "key value" per line; GPU 0's keys begin with "0.". A key that is not there is not supported.
 * As in the real library, the state belongs to the process that called nvmlInit_v2.
 *
 *   count 2            GPUs               0.uuid, 0.name     text
 *   init_rc 9          code of init       0.energy           mJ
 *   0.rc 15            code of every call 0.power, 0.instant mW
 *   0.energy_rc 15     code of one call   0.limit            mW
 *   0.mig 2            MIG instances      0.mig0             text
 *   0.busy 40          percent            0.proc0 "pid us percent"
 *   0.celsius          degrees            0.clock, 0.default MHz of the SMs, mW
 *   0.reasons          bits; a driver before 535 has no nvmlDeviceGetCurrentClocksEventReasons: -DOLD_DRIVER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };

static pid_t owner = -1;
static int handles[64]; /* a handle is the address of a cell that holds the GPU's number */

static int look(const char *key, char *value, size_t size) {
    const char *path = getenv("WATTMARK_FAKE_NVML");
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

static int text(int gpu, const char *what, char *value, size_t size) {
    char key[64];
    if (owner != getpid()) return UNINITIALIZED;
    snprintf(key, sizeof key, "%d.rc", gpu);
    if (code(key)) return code(key);
    snprintf(key, sizeof key, "%d.%s_rc", gpu, what);
    if (code(key)) return code(key);
    snprintf(key, sizeof key, "%d.%s", gpu, what);
    return look(key, value, size) ? OK : NOT_SUPPORTED;
}

static int number(int gpu, const char *what, unsigned long long *value) {
    char said[64];
    int rc = text(gpu, what, said, sizeof said);
    if (rc == OK) *value = strtoull(said, NULL, 10);
    return rc;
}

static int small(int gpu, const char *what, unsigned *value) {
    unsigned long long large = 0;
    int rc = number(gpu, what, &large);
    if (rc == OK) *value = (unsigned)large;
    return rc;
}

const char *nvmlErrorString(int rc) {
    switch (rc) {
    case 1: return "Uninitialized";
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 6: return "Not Found";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    default: return "Unknown Error";
    }
}

int nvmlInit_v2(void) {
    int rc = code("init_rc");
    if (rc == OK) owner = getpid();
    return rc;
}

int nvmlShutdown(void) {
    if (owner != getpid()) return UNINITIALIZED;
    owner = -1;
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    if (owner != getpid()) return UNINITIALIZED;
    *count = (unsigned)code("count");
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **gpu) {
    char key[64];
    if (owner != getpid()) return UNINITIALIZED;
    if (index >= (unsigned)code("count")) return INVALID;
    snprintf(key, sizeof key, "%u.rc", index);
    if (code(key)) return code(key);
    handles[index] = (int)index;
    *gpu = &handles[index];
    return OK;
}

/* A MIG handle points beyond the GPUs: 16 + 8 * GPU + instance. */
int nvmlDeviceGetUUID(void *gpu, char *value, unsigned size) {
    int number = *(int *)gpu;
    char key[16];
    if (number < 16) return text(number, "uuid", value, size);
    snprintf(key, sizeof key, "mig%d", (number - 16) % 8);
    return text((number - 16) / 8, key, value, size);
}

int nvmlDeviceGetName(void *gpu, char *value, unsigned size) { return text(*(int *)gpu, "name", value, size); }

int nvmlDeviceGetTotalEnergyConsumption(void *gpu, unsigned long long *value) {
    return number(*(int *)gpu, "energy", value);
}

int nvmlDeviceGetPowerUsage(void *gpu, unsigned *value) { return small(*(int *)gpu, "power", value); }

int nvmlDeviceGetEnforcedPowerLimit(void *gpu, unsigned *value) { return small(*(int *)gpu, "limit", value); }

int nvmlDeviceGetPowerManagementDefaultLimit(void *gpu, unsigned *value) {
    return small(*(int *)gpu, "default", value);
}

int nvmlDeviceGetTemperature(void *gpu, unsigned sensor, unsigned *value) {
    return sensor == 0 ? small(*(int *)gpu, "celsius", value) : INVALID;
}

int nvmlDeviceGetClockInfo(void *gpu, unsigned type, unsigned *value) {
    return type == 1 ? small(*(int *)gpu, "clock", value) : INVALID;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *gpu, unsigned long long *value) {
    return number(*(int *)gpu, "reasons", value);
}

#ifndef OLD_DRIVER
int nvmlDeviceGetCurrentClocksEventReasons(void *gpu, unsigned long long *value) {
    return number(*(int *)gpu, "reasons", value);
}
#endif

typedef struct {
    unsigned field, scope;
    long long timestamp, latency;
    int type, result;
    union { unsigned small; unsigned long long large; } value;
} Field;

int nvmlDeviceGetFieldValues(void *gpu, int count, Field *fields) {
    if (count != 1 || fields[0].field != 186 || fields[0].scope != 0) return INVALID;
    fields[0].value.large = 0xAAAAAAAA00000000ULL; /* only the low half is the unsigned int */
    fields[0].result = small(*(int *)gpu, "instant", &fields[0].value.small);
    return OK;
}

int nvmlDeviceGetMigMode(void *gpu, unsigned *current, unsigned *pending) {
    unsigned instances = 0;
    int rc = small(*(int *)gpu, "mig", &instances);
    *current = *pending = instances > 0;
    return rc;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *gpu, unsigned index, void **instance) {
    unsigned instances = 0;
    int number = *(int *)gpu, rc = small(number, "mig", &instances);
    if (rc != OK) return rc;
    if (index >= instances) return NOT_FOUND;
    handles[16 + 8 * number + (int)index] = 16 + 8 * number + (int)index;
    *instance = &handles[16 + 8 * number + (int)index];
    return OK;
}

typedef struct { unsigned gpu, memory; } Utilisation;

int nvmlDeviceGetUtilizationRates(void *gpu, Utilisation *value) {
    value->memory = 0;
    return small(*(int *)gpu, "busy", &value->gpu);
}

typedef struct {
    unsigned pid;
    unsigned long long timestamp;
    unsigned sm, memory, encoder, decoder;
} Sample;

int nvmlDeviceGetProcessUtilization(void *gpu, Sample *samples, unsigned *count, unsigned long long since) {
    Sample found[8];
    unsigned n = 0;
    char key[16], said[128];
    int rc = OK;
    for (int i = 0; i < 8; i++) {
        Sample sample = {0};
        snprintf(key, sizeof key, "proc%d", i);
        rc = text(*(int *)gpu, key, said, sizeof said);
        if (rc != OK) break;
        sscanf(said, "%u %llu %u", &sample.pid, &sample.timestamp, &sample.sm);
        if (sample.timestamp > since) found[n++] = sample;
    }
    if (rc != OK && rc != NOT_SUPPORTED) return rc;
    if (n == 0) return NOT_FOUND;
    if (!samples || *count < n) {
        *count = n;
        return TOO_SMALL;
    }
    memcpy(samples, found, n * sizeof *found);
    *count = n;
    return OK;
}
