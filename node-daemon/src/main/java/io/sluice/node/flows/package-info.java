/**
 * What was asked of policy on this node, kept for weeks to come in little room: a candidate policy
 * is held against it before it is in force.
 *
 * <p>Start reading at {@link io.sluice.node.flows.FlowRecorder}.
 */
@NullMarked
package io.sluice.node.flows;

import org.jspecify.annotations.NullMarked;
