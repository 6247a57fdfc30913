package io.sluice.benchmarks;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.identity.control.ControlTiming;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.SigningRequests;
import java.security.KeyPair;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What of a node talks to the controller, and nothing else of it: its own key, certificate,
 * connection and stream, and the snapshot in force.
 */
final class SimulatedNode implements AutoCloseable {
  private final ControllerClient controller;
  private final ControllerSnapshots source;
  private volatile MeshSnapshot inForce = MeshSnapshot.EMPTY;
  private volatile Consumer<MeshSnapshot> listener = snapshot -> {};

  private SimulatedNode(ControllerClient controller) {
    this.controller = controller;
    this.source = new ControllerSnapshots(controller, Optional.empty(), InstantSource.system(), "");
  }

  /** Joins by a token and follows nothing yet. */
  static SimulatedNode joined(String name, ControlAddress address, JoinToken token) {
    ControllerClient controller =
        new ControllerClient(List.of(address), ControlTiming.DEFAULTS, InstantSource.system());
    try {
      KeyPair key = SigningRequests.newKey();
      ControllerClient.Admission admission =
          controller.admit(
              ControllerTrust.byFingerprint(token.rootFingerprint(), List.of()),
              name,
              token.presented(),
              SigningRequests.of(key));
      Instant end = Certificates.end(admission.chain());
      controller.present(
          new Credential(
              SystemIdentity.node(admission.roots().trustDomain(), name),
              admission.chain(),
              key.getPrivate(),
              Instant.now(),
              end),
          ControllerTrust.byRoots(admission.roots().roots(), admission.roots().domains()));
      return new SimulatedNode(controller);
    } catch (RuntimeException e) {
      controller.close();
      throw e;
    }
  }

  /** Returns with the first snapshot in force. */
  void follow() {
    source.start(next -> {
      inForce = next;
      listener.accept(next);
    });
  }

  MeshSnapshot inForce() {
    return inForce;
  }

  /** Is told of each later snapshot when it is in force. */
  void listen(Consumer<MeshSnapshot> next) {
    listener = next;
  }

  /** Of changes so far, before TLS. */
  long bytesReceived() {
    return source.traffic().bytesReceived();
  }

  @Override
  public void close() {
    source.close();
    controller.close();
  }
}
