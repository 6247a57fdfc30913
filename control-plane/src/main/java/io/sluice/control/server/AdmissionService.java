package io.sluice.control.server;

import io.grpc.stub.StreamObserver;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.api.identity.v1.NodeAdmissionGrpc.NodeAdmissionImplBase;
import io.sluice.control.admission.AdmissionException;
import io.sluice.control.admission.AdmittedNode;
import io.sluice.control.admission.NodeAttestor;
import io.sluice.control.admission.TryLimit;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.issuing.Issuing;
import io.sluice.control.metrics.ControllerMetrics.Call;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.PublicKey;

/** The one service that is open to those without a certificate. */
final class AdmissionService extends NodeAdmissionImplBase {
  private static final Logger LOG = System.getLogger(AdmissionService.class.getName());
  private static final int LONGEST_TOKEN = 8_192;

  private final NodeAttestor attestor;
  private final TryLimit tries;
  private final Issuing issuing;
  private final CertificateAuthority authority;
  private final Answers answers;

  AdmissionService(
      NodeAttestor attestor,
      TryLimit tries,
      Issuing issuing,
      CertificateAuthority authority,
      Answers answers) {
    this.attestor = attestor;
    this.tries = tries;
    this.issuing = issuing;
    this.authority = authority;
    this.answers = answers;
  }

  @Override
  public void admit(AdmitRequest request, StreamObserver<AdmitResponse> out) {
    Peer peer = CallerInterceptor.peer();
    answers.answer(Call.ADMIT, peer.text(), out, () -> admitted(request, peer));
  }

  private AdmitResponse admitted(AdmitRequest request, Peer peer) {
    IssuedCertificate issued =
        issuing.admit(
            request.getNodeName(),
            request.getSigningRequest().toByteArray(),
            key -> tries.run(peer.address(), () -> attested(request, key)));
    LOG.log(
        Level.INFO,
        "node_admitted node={0} from={1} serial={2}",
        request.getNodeName(),
        peer.text(),
        issued.serial().toString(16));
    return AdmitResponse.newBuilder()
        .setCertificate(Messages.of(issued))
        .setTrustBundle(Messages.of(authority.trustBundle()))
        .build();
  }

  private AdmittedNode attested(AdmitRequest request, PublicKey key) {
    String token = request.getToken();
    if (token.isEmpty() || token.length() > LONGEST_TOKEN) {
      throw new AdmissionException(
          AdmissionException.Reason.MALFORMED,
          "a token has 1 to " + LONGEST_TOKEN + " characters",
          "send the token as it was made");
    }
    AdmittedNode node = attestor.admit(token, request.getNodeName(), key);
    LOG.log(Level.INFO, "node_attested node={0} how={1}", node.nodeName(), node.how());
    return node;
  }
}
