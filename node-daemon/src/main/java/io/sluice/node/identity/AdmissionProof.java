package io.sluice.node.identity;

import io.sluice.mesh.TrustDomain;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.x509.TrustRoots;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What this node proves itself with, and believes the controller by, before it is admitted. */
final class AdmissionProof {
  /** The controller takes no longer one. */
  private static final int LONGEST_TOKEN = 8_192;

  private static final int LONGEST_ROOTS_FILE = 128 * 1_024;

  /**
   * One reading of the files.
   *
   * @param joinTokenId which join token it is; empty for tokens that can be used again
   */
  record Read(ControllerTrust trust, String token, String joinTokenId) {}

  private final Admission admission;

  AdmissionProof(Admission admission) {
    this.admission = admission;
  }

  /**
   * Reads the files anew.
   *
   * @throws ControlFailure with {@link Reason#NO_TOKEN} when there is nothing to try with
   */
  Read read(Optional<TrustDomain> known, String usedToken) {
    return switch (admission) {
      case Admission.JoinToken(Path file) -> joinToken(file, known, usedToken);
      case Admission.ServiceAccountToken(Path file, Path roots) ->
          new Read(
              ControllerTrust.byRoots(roots(roots), known), text(file, LONGEST_TOKEN).strip(), "");
    };
  }

  private static Read joinToken(Path file, Optional<TrustDomain> known, String usedToken) {
    JoinToken token;
    try {
      token = JoinToken.parse(text(file, LONGEST_TOKEN));
    } catch (IllegalArgumentException e) {
      throw new ControlFailure(Reason.NO_TOKEN, "file " + file + " holds " + e.getMessage(), e);
    }
    if (token.id().equals(usedToken)) {
      throw new ControlFailure(
          Reason.NO_TOKEN,
          "the join token "
              + token.id()
              + " in "
              + file
              + " was used up when this node was admitted, and its certificate is of no use any"
              + " more; make a new one with `sluice control token --node NAME` and put it there");
    }
    return new Read(
        ControllerTrust.byFingerprint(token.rootFingerprint(), known),
        token.presented(),
        token.id());
  }

  private static String text(Path file, int longest) {
    try {
      if (Files.size(file) > longest) {
        throw new ControlFailure(
            Reason.NO_TOKEN, "file " + file + " has more than " + longest + " bytes");
      }
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new ControlFailure(Reason.NO_TOKEN, "file " + file + " cannot be read: " + e, e);
    }
  }

  private static List<X509Certificate> roots(Path file) {
    byte[] pem = text(file, LONGEST_ROOTS_FILE).getBytes(StandardCharsets.ISO_8859_1);
    List<X509Certificate> roots = new ArrayList<>();
    try {
      CertificateFactory.getInstance("X.509")
          .generateCertificates(new ByteArrayInputStream(pem))
          .forEach(one -> roots.add((X509Certificate) one));
    } catch (CertificateException e) {
      throw new ControlFailure(
          Reason.NO_TOKEN, "file " + file + " does not hold certificates in PEM", e);
    }
    if (roots.isEmpty() || roots.size() > TrustRoots.MOST) {
      throw new ControlFailure(
          Reason.NO_TOKEN,
          "file "
              + file
              + " holds "
              + roots.size()
              + " certificates; there have to be 1 to "
              + TrustRoots.MOST);
    }
    return roots;
  }
}
