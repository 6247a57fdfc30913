/**
 * The Helm chart: installed and printed by the command line, through Helm's own code; and its
 * tests, which render it and read the objects strictly.
 *
 * <p>Start reading at {@link io.sluice.charts.ChartCommand}. Nothing depends on this package, and
 * it is in no image.
 */
@NullMarked
package io.sluice.charts;

import org.jspecify.annotations.NullMarked;
