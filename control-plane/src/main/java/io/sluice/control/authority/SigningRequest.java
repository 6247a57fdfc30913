package io.sluice.control.authority;

import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.SpiffeId;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCSException;

/**
 * A PKCS#10 request whose sender has proven to hold the key (RFC 2986 §3). Only the key is used:
 * names, usages and other wishes in it get into no certificate.
 */
public final class SigningRequest {
  /** An RSA request of 4096 bits takes 1.7 KiB; wishes in it are not ours to store. */
  public static final int LONGEST_BYTES = 16_384;

  /** Signatures that prove a key, with the key algorithm that each belongs to. */
  private static final Map<ASN1ObjectIdentifier, String> PROOFS =
      Map.of(
          X9ObjectIdentifiers.ecdsa_with_SHA256, "EC",
          X9ObjectIdentifiers.ecdsa_with_SHA384, "EC",
          X9ObjectIdentifiers.ecdsa_with_SHA512, "EC",
          EdECObjectIdentifiers.id_Ed25519, "Ed25519",
          PKCSObjectIdentifiers.sha256WithRSAEncryption, "RSA",
          PKCSObjectIdentifiers.sha384WithRSAEncryption, "RSA",
          PKCSObjectIdentifiers.sha512WithRSAEncryption, "RSA");

  private static final String MEND = "make a new key and request on the node";

  private final byte[] der;
  private final PublicKey publicKey;
  private final RequestedNames names;

  private SigningRequest(byte[] der, PublicKey publicKey, RequestedNames names) {
    this.der = der;
    this.publicKey = publicKey;
    this.names = names;
  }

  /**
   * Reads and verifies a request.
   *
   * @param der the DER encoding, and nothing after it
   * @throws AuthorityException where it is malformed, unproven, or of a key that is not taken
   */
  public static SigningRequest parse(byte[] der) {
    if (der.length > LONGEST_BYTES) {
      throw refused(
          Reason.REQUEST_MALFORMED,
          der.length + " bytes are more than the " + LONGEST_BYTES + " allowed");
    }
    byte[] own = der.clone();
    try {
      PKCS10CertificationRequest request = new PKCS10CertificationRequest(own);
      if (!Arrays.equals(request.toASN1Structure().getEncoded(ASN1Encoding.DER), own)) {
        // The signature is over the canonical form, so other bytes would go on unverified.
        throw refused(Reason.REQUEST_MALFORMED, "it is encoded in BER, not DER");
      }
      SubjectPublicKeyInfo keyInfo = request.getSubjectPublicKeyInfo();
      AcceptedKeys.require(keyInfo);
      String keyAlgorithm = PROOFS.get(request.getSignatureAlgorithm().getAlgorithm());
      if (keyAlgorithm == null) {
        throw refused(
            Reason.KEY_REFUSED,
            "signature algorithm "
                + request.getSignatureAlgorithm().getAlgorithm()
                + " is not taken");
      }
      PublicKey key =
          KeyFactory.getInstance(keyAlgorithm)
              .generatePublic(new X509EncodedKeySpec(keyInfo.getEncoded()));
      if (!request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
        throw refused(Reason.KEY_NOT_PROVEN, "it is not signed by the key that it carries");
      }
      return new SigningRequest(own, key, RequestedNames.of(request));
    } catch (AuthorityException e) {
      throw e;
    } catch (IOException
        | GeneralSecurityException
        | OperatorCreationException
        | PKCSException
        | RuntimeException e) {
      // Bouncy Castle parses lazily, and reports wrong inner structures by many unchecked kinds.
      throw new AuthorityException(
          Reason.REQUEST_MALFORMED, "certificate request", "not PKCS#10 in DER", MEND, e);
    }
  }

  private static AuthorityException refused(Reason reason, String problem) {
    return new AuthorityException(reason, "certificate request", problem, MEND);
  }

  /** The key that was proven. */
  public PublicKey publicKey() {
    return publicKey;
  }

  /**
   * Whether the names in the request are no others than {@code identity}, as one URI and as common
   * name, or none at all. What is signed does not depend on it: this shows a mistaken asker.
   */
  public boolean namesNobodyBut(SpiffeId identity) {
    return names.isNobodyBut(identity);
  }

  /** The whole request as it came, for an authority that verifies for itself. */
  public String pem() {
    return "-----BEGIN CERTIFICATE REQUEST-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
        + "\n-----END CERTIFICATE REQUEST-----\n";
  }
}
