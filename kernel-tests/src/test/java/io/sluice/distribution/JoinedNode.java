package io.sluice.distribution;

import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.identity.control.ControlTiming;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.SigningRequests;
import io.sluice.node.identity.x509.TrustRoots;
import java.security.KeyPair;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/** A node that was admitted, with a key that the test knows. */
record JoinedNode(Credential credential, TrustRoots roots) {
  static JoinedNode of(ControlledSite site, String name) {
    JoinToken token = JoinToken.parse(site.token(name));
    try (ControllerClient controller =
        new ControllerClient(site.addresses(), ControlTiming.DEFAULTS, InstantSource.system())) {
      KeyPair key = SigningRequests.newKey();
      ControllerClient.Admission admission =
          controller.admit(
              ControllerTrust.byFingerprint(token.rootFingerprint(), List.of()),
              name,
              token.presented(),
              SigningRequests.of(key));
      return new JoinedNode(
          new Credential(
              SystemIdentity.node(admission.roots().trustDomain(), name),
              admission.chain(),
              key.getPrivate(),
              Instant.now(),
              Certificates.end(admission.chain())),
          admission.roots());
    }
  }

  /** The node's own client, which calls the controller at {@code address}. */
  ControllerClient calling(ControlAddress address) {
    ControllerClient controller =
        new ControllerClient(List.of(address), ControlTiming.DEFAULTS, InstantSource.system());
    controller.present(credential, ControllerTrust.byRoots(roots.roots(), roots.domains()));
    return controller;
  }
}
