/**
 * The controller: one process that knows the registry and holds the authority, and gives nodes the
 * certificates of their pods. Assembles; what is allowed is decided in the packages below.
 *
 * <p>Start reading at {@link io.sluice.control.Controller}.
 */
@NullMarked
package io.sluice.control;

import org.jspecify.annotations.NullMarked;
