/**
 * What every registry has in common: objects come from a source, change by change, and become
 * snapshots in one place.
 *
 * <p>Knows neither folders nor the Kubernetes API. Start reading at {@link
 * io.sluice.control.registry.ObjectSource}.
 */
@NullMarked
package io.sluice.control.registry;

import org.jspecify.annotations.NullMarked;
