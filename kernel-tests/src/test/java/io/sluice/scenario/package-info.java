/**
 * What a user of HTTP in the mesh is promised: YAML goes in, real clients call real servers through
 * the daemon, outcomes come out. Each row of a table runs under either mechanism, within a node and
 * between nodes, over both families. Start reading at {@link io.sluice.scenario.Scenario}; a new
 * promise is a new row.
 */
@NullMarked
package io.sluice.scenario;

import org.jspecify.annotations.NullMarked;
