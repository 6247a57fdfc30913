/**
 * The promises of the mesh, kept by real programs in a real kernel: needs root.
 *
 * <p>Classes named {@code …Contract} hold for every interception mechanism; a class per mechanism
 * runs them. Start reading at {@link io.sluice.kernel.Shop}.
 */
@NullMarked
package io.sluice.kernel;

import org.jspecify.annotations.NullMarked;
