// tests/process/helpers/tls.c - a library with 64 bytes of initial-exec thread-local storage;
// built several times with another TLS_NAME each.
char *TLS_NAME(void);

static __thread __attribute__((tls_model("initial-exec"))) char storage[64];

char *TLS_NAME(void) {
    return storage;
}
