package io.sluice.mesh.svid;

import java.io.IOException;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECKey;
import java.security.interfaces.EdECKey;
import java.security.interfaces.RSAKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.EllipticCurve;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which keys and signatures count. The JDK's own list (jdk.certpath.disabledAlgorithms) lets RSA
 * 1024 pass, and SHA-1 below roots that it does not ship. Any thread.
 */
final class Strength {
  private static final int SHORTEST_RSA_BITS = 2_048;

  /**
   * A signature of such a key costs ten times one of 2048 bits; above, a stranger's chain tires.
   */
  private static final int LONGEST_RSA_BITS = 8_192;

  private static final Set<EllipticCurve> CURVES =
      Stream.of("secp256r1", "secp384r1", "secp521r1")
          .map(Strength::curve)
          .collect(Collectors.toUnmodifiableSet());

  /** With SHA-256, SHA-384 and SHA-512 (RFC 8017, RFC 5758), and Ed25519 (RFC 8410). */
  private static final Set<String> SIGNATURES =
      Set.of(
          "1.2.840.113549.1.1.11",
          "1.2.840.113549.1.1.12",
          "1.2.840.113549.1.1.13",
          "1.2.840.10045.4.3.2",
          "1.2.840.10045.4.3.3",
          "1.2.840.10045.4.3.4",
          "1.3.101.112");

  private static final String RSASSA_PSS = "1.2.840.113549.1.1.10";
  private static final Set<String> PSS_DIGESTS = Set.of("SHA-256", "SHA-384", "SHA-512");

  private Strength() {}

  /**
   * That nobody works out the private key of {@code one}.
   *
   * @param whose for the message: an identity, or a trust domain
   */
  static void requireKey(X509Certificate one, Object whose) throws SvidRefused {
    PublicKey key = one.getPublicKey();
    boolean strong =
        switch (key) {
          case RSAKey rsa ->
              rsa.getModulus().bitLength() >= SHORTEST_RSA_BITS
                  && rsa.getModulus().bitLength() <= LONGEST_RSA_BITS;
          case ECKey ec -> CURVES.contains(ec.getParams().getCurve());
          case EdECKey ed -> ed.getParams().getName().equals(NamedParameterSpec.ED25519.getName());
          default -> false;
        };
    if (!strong) {
      throw new SvidRefused(
          SvidReason.WEAK,
          "a certificate of "
              + whose
              + " has a key that is none of RSA 2048 to 8192, P-256, P-384, P-521 and Ed25519");
    }
  }

  /** That the signature on {@code one} is over a digest for which nobody finds a second message. */
  static void requireSignature(X509Certificate one, Object identity) throws SvidRefused {
    String algorithm = one.getSigAlgOID();
    boolean strong =
        algorithm.equals(RSASSA_PSS)
            ? PSS_DIGESTS.contains(pssDigest(one))
            : SIGNATURES.contains(algorithm);
    if (!strong) {
      throw new SvidRefused(
          SvidReason.WEAK,
          "a certificate of "
              + identity
              + " is signed with "
              + one.getSigAlgName()
              + "; it has to be with SHA-256 or better");
    }
  }

  private static String pssDigest(X509Certificate one) {
    byte[] encoded = one.getSigAlgParams();
    if (encoded == null) {
      return "the default, SHA-1"; // RFC 4055 §3.1
    }
    try {
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("RSASSA-PSS");
      parameters.init(encoded);
      return parameters.getParameterSpec(PSSParameterSpec.class).getDigestAlgorithm();
    } catch (GeneralSecurityException | IOException e) {
      return "unreadable";
    }
  }

  private static EllipticCurve curve(String name) {
    try {
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
      parameters.init(new ECGenParameterSpec(name));
      return parameters.getParameterSpec(ECParameterSpec.class).getCurve();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has " + name, e);
    }
  }
}
