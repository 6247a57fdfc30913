package io.sluice.iptables;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;

/**
 * How often a verdict was given since the rules were first applied by this process.
 *
 * @param count connections for TCP, datagrams otherwise
 */
public record CountedVerdict(
    Direction direction, Family family, Outcome outcome, Reason reason, long count) {}
