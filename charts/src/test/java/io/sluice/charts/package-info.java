/**
 * The Helm chart, rendered by Helm itself and read as typed objects; no cluster is needed.
 *
 * <p>Start reading at {@link io.sluice.charts.Chart}; which value switches which object stands in
 * {@link io.sluice.charts.Switches}.
 */
@NullMarked
package io.sluice.charts;

import org.jspecify.annotations.NullMarked;
