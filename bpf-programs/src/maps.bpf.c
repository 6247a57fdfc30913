// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Creates the shared maps; holds no program. Loaded first, every other object reuses its maps. */
#include "maps.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
