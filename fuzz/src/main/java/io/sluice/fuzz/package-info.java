/**
 * Fuzz targets: each takes any bytes and throws when a promise of the code behind it is broken.
 * They know no fuzzer, so that tests run them too.
 *
 * <p>Start reading at {@link io.sluice.fuzz.ManifestTarget}; the build's profile {@code fuzz} runs
 * them.
 */
@NullMarked
package io.sluice.fuzz;

import org.jspecify.annotations.NullMarked;
