/**
 * The core of the interception contract as one program, for kernels that boot in an emulator: no
 * test framework, one line of JSON as the result. Started by {@code kernel-tests/kernels/init};
 * {@link io.sluice.kernel.matrix.MatrixTable} turns the lines into {@code docs/kernels.md}.
 */
@NullMarked
package io.sluice.kernel.matrix;

import org.jspecify.annotations.NullMarked;
