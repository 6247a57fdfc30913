/**
 * How much is asked of one service by this node, and taken by one of its pods, as
 * UpstreamTrafficSettings say. What is kept here is named by the snapshot, never by who calls.
 */
@NullMarked
package io.sluice.proxy.admission;

import org.jspecify.annotations.NullMarked;
