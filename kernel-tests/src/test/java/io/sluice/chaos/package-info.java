/**
 * A controller and nodes in processes of their own, a cluster that never rests, and faults of
 * everything between and below them; then the question whether all of it ends where a compiler that
 * starts from nothing ends. Needs no root.
 *
 * <p>Start reading at {@link io.sluice.chaos.ChaosRun}; {@code ChaosTest} says how to run it for
 * longer.
 */
@NullMarked
package io.sluice.chaos;

import org.jspecify.annotations.NullMarked;
