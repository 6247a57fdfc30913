/**
 * Applications that call without pause while something else happens, and count every failure. Demo,
 * tests and measurements share them; what happens meanwhile is theirs.
 *
 * <p>Start reading at {@link io.sluice.lab.traffic.SteadyTraffic}.
 */
@NullMarked
package io.sluice.lab.traffic;

import org.jspecify.annotations.NullMarked;
