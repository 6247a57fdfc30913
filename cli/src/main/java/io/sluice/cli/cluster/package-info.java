/**
 * How commands reach a cluster: the options for it, and what is asked of its API server.
 *
 * <p>Start reading at {@link io.sluice.cli.cluster.ClusterOptions}.
 */
@NullMarked
package io.sluice.cli.cluster;

import org.jspecify.annotations.NullMarked;
