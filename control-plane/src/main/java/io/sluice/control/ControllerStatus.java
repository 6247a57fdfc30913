package io.sluice.control;

import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.server.NodeCalls;
import io.sluice.control.xds.stream.XdsClientState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * State of a controller at one instant.
 *
 * @param trustDomain authority part of every identity that is signed now
 * @param trustDomainChange where a change of it stands
 * @param port the control port
 * @param authority whether it signs, and what to do where it does not
 * @param rotation where a change of the root stands, where the authority is ours
 * @param generation of the trust bundle; 0 while there is none
 * @param certificateEnd last instant of the controller's own certificate
 * @param registryRevision of the newest snapshot
 * @param registryComplete whether it holds everything that the registry should know
 * @param refusals how many calls were refused, by reason; those of none are left out
 * @param calls the last call of each caller
 * @param nodes what each node has in force
 * @param notDistributed objects that no node is told of as they are, and why
 * @param xdsClients clients of Envoy's discovery protocol that have a stream now
 * @param replica how it stands among several of its cluster; empty without a cluster
 */
public record ControllerStatus(
    String trustDomain,
    String trustDomainChange,
    int port,
    AuthorityHealth authority,
    Optional<String> rotation,
    long generation,
    Optional<Instant> certificateEnd,
    long registryRevision,
    boolean registryComplete,
    Map<String, Long> refusals,
    List<NodeCalls.LastCall> calls,
    List<NodeState> nodes,
    List<String> notDistributed,
    List<XdsClientState> xdsClients,
    Optional<ReplicaState> replica) {}
