/* SPDX-License-Identifier: MIT */
/* Mailboxes with keys and without, as a program of the fuzzer's bytes, against the model. A failed
 * assertion leaves the process, which the fuzzer takes for a crash. */
#include "support/pool_program.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    (void)pool_program_run(bytes, size);
    return 0;
}
