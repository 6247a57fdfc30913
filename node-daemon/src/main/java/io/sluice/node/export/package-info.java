/**
 * Brings what the daemon tells of requests to collectors of others: bounded room, a thread and a
 * connection for each, so that no request waits for any of them, and one {@link
 * io.sluice.node.export.Budget} over all. Knows nothing of what is told. Start with {@link
 * io.sluice.node.export.Exporter}.
 */
@NullMarked
package io.sluice.node.export;

import org.jspecify.annotations.NullMarked;
