package io.sluice.control.authority;

import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.SpiffeId;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.RSAPublicKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * A PKCS#10 request whose sender has proven to hold the key (RFC 2986 §3). Only the key is used:
 * names, usages and other wishes in it decide nothing. Authorities that copy names from it look at
 * {@link #deviationFrom} first.
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

  private SigningRequest(byte[] der, PublicKey publicKey) {
    this.der = der;
    this.publicKey = publicKey;
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
      return new SigningRequest(own, key);
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

  /** A request for {@code key} that asks for {@code identity} and nothing else. */
  public static SigningRequest of(KeyPair key, SpiffeId identity) {
    return new SigningRequest(RequestedNames.request(key, identity), key.getPublic());
  }

  /**
   * Where the names that it asks for are not exactly {@code identity}, as a clause for a message;
   * empty where they are.
   */
  public Optional<String> deviationFrom(SpiffeId identity) {
    return RequestedNames.deviation(der, identity);
  }

  /** The key that was proven. */
  public PublicKey publicKey() {
    return publicKey;
  }

  /**
   * Whether the names in the request are no others than {@code identity}, as one URI, or none at
   * all. What most authorities sign does not depend on it: this shows a mistaken asker.
   */
  public boolean namesNobodyBut(SpiffeId identity) {
    return RequestedNames.areNone(der) || deviationFrom(identity).isEmpty();
  }

  /** The whole request as it came, for an authority that verifies for itself. */
  public String pem() {
    return "-----BEGIN CERTIFICATE REQUEST-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
        + "\n-----END CERTIFICATE REQUEST-----\n";
  }

  /**
   * Which keys of workloads are signed: ECDSA on P-256 or P-384 as a named curve, Ed25519, RSA of
   * 2048 to 4096 bits. Looked at before any arithmetic with the key, so that a huge or odd one
   * costs nothing.
   */
  private static final class AcceptedKeys {
    private static final int SHORTEST_RSA_BITS = 2048;
    private static final int LONGEST_RSA_BITS = 4096;

    /** The least exponent of NIST SP 800-56B §6.2; the greatest keeps verification cheap. */
    private static final BigInteger LEAST_EXPONENT = BigInteger.valueOf(65_537);

    private static final int LONGEST_EXPONENT_BITS = 32;

    private AcceptedKeys() {}

    static void require(SubjectPublicKeyInfo key) throws IOException {
      ASN1ObjectIdentifier algorithm = key.getAlgorithm().getAlgorithm();
      if (algorithm.equals(EdECObjectIdentifiers.id_Ed25519)) {
        return;
      }
      if (algorithm.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
        Object curve = key.getAlgorithm().getParameters();
        if (!SECObjectIdentifiers.secp256r1.equals(curve)
            && !SECObjectIdentifiers.secp384r1.equals(curve)) {
          throw refused("an EC key must be on the named curve P-256 or P-384");
        }
        return;
      }
      if (!algorithm.equals(PKCSObjectIdentifiers.rsaEncryption)) {
        throw refused("key algorithm " + algorithm + " is not taken");
      }
      RSAPublicKey rsa = RSAPublicKey.getInstance(key.parsePublicKey());
      int bits = rsa.getModulus().bitLength();
      if (bits < SHORTEST_RSA_BITS || bits > LONGEST_RSA_BITS) {
        throw refused("an RSA key of " + bits + " bits");
      }
      BigInteger exponent = rsa.getPublicExponent();
      if (exponent.compareTo(LEAST_EXPONENT) < 0
          || exponent.bitLength() > LONGEST_EXPONENT_BITS
          || !exponent.testBit(0)) {
        throw refused("an RSA key with an unusual exponent");
      }
    }

    private static AuthorityException refused(String problem) {
      return new AuthorityException(
          Reason.KEY_REFUSED,
          "certificate request",
          problem,
          "use ECDSA P-256 or P-384, Ed25519, or RSA of %s to %s bits"
              .formatted(SHORTEST_RSA_BITS, LONGEST_RSA_BITS));
    }
  }

  /**
   * The names in a PKCS#10 request, for authorities that copy them into the certificate: no
   * subject, one attribute (extensionRequest, RFC 2985 §5.4.2), one extension in it, one URI in
   * that.
   */
  private static final class RequestedNames {
    private RequestedNames() {}

    static Optional<String> deviation(byte[] der, SpiffeId identity) {
      try {
        PKCS10CertificationRequest request = new PKCS10CertificationRequest(der);
        if (request.getSubject().getRDNs().length > 0) {
          return Optional.of("it asks for a subject");
        }
        Attribute[] attributes = request.getAttributes();
        if (attributes.length != 1
            || !attributes[0].getAttrType().equals(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest)
            || attributes[0].getAttrValues().size() != 1) {
          return Optional.of(
              "it asks for no name, or by other attributes than one extensionRequest");
        }
        Extensions extensions =
            Extensions.getInstance(attributes[0].getAttrValues().getObjectAt(0));
        GeneralNames names =
            GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName);
        if (names == null || extensions.getExtensionOIDs().length != 1) {
          return Optional.of("it asks for other extensions than a subject alternative name");
        }
        GeneralName[] asked = names.getNames();
        boolean exact =
            asked.length == 1
                && asked[0].getTagNo() == GeneralName.uniformResourceIdentifier
                && asked[0].getName().toString().equals(identity.toString());
        return exact
            ? Optional.empty()
            : Optional.of("it asks for other names than " + identity + " alone");
      } catch (IOException | RuntimeException e) {
        // Bouncy Castle reports wrong inner structures by many unchecked kinds.
        return Optional.of("the names that it asks for cannot be read");
      }
    }

    /** Whether it asks for no name at all: neither a subject nor an extension. */
    static boolean areNone(byte[] der) {
      try {
        PKCS10CertificationRequest request = new PKCS10CertificationRequest(der);
        return request.getSubject().getRDNs().length == 0 && request.getAttributes().length == 0;
      } catch (IOException | RuntimeException e) {
        return false; // as in deviation
      }
    }

    static byte[] request(KeyPair key, SpiffeId identity) {
      ExtensionsGenerator wishes = new ExtensionsGenerator();
      try {
        wishes.addExtension(
            Extension.subjectAlternativeName,
            true, // there is no subject
            new GeneralNames(
                new GeneralName(GeneralName.uniformResourceIdentifier, identity.toString())));
        return new JcaPKCS10CertificationRequestBuilder(new X500Name(new RDN[0]), key.getPublic())
            .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, wishes.generate())
            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(key.getPrivate()))
            .getEncoded();
      } catch (IOException | OperatorCreationException e) {
        throw new IllegalArgumentException("not a key on P-256 with its private part", e);
      }
    }
  }
}
