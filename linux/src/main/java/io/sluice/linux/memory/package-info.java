/**
 * Memory use of processes, as the kernel accounts it, and the limit of locked memory. Reads /proc;
 * no state.
 */
@NullMarked
package io.sluice.linux.memory;

import org.jspecify.annotations.NullMarked;
