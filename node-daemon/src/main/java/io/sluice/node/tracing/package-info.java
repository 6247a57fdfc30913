/**
 * Spans of requests, from where they have ended to the collector that the MeshConfig names. Nothing
 * here runs, or is loaded but {@link io.sluice.node.tracing.Spans}, while it names none.
 *
 * <p>Which trace a request is of, and that the next hop is told so, is the proxy's matter ({@code
 * TraceFields}). Event loops write each span as it is sent; all else is the thread's of an {@link
 * io.sluice.node.export.Exporter}.
 */
@NullMarked
package io.sluice.node.tracing;

import org.jspecify.annotations.NullMarked;
