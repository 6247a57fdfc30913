package io.sluice.control.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.svid.RsaKeys;
import java.math.BigInteger;
import java.security.KeyPair;
import java.util.Arrays;
import java.util.Random;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SigningRequestTest {
  @ParameterizedTest
  @ValueSource(strings = {"secp256r1", "secp384r1", "Ed25519", "RSA-2048", "RSA-4096"})
  void takesTheKeyOfAProvenRequest(String algorithm) throws Exception {
    KeyPair pair = Requests.keyPair(algorithm);

    assertThat(SigningRequest.parse(Requests.der(pair)).publicKey()).isEqualTo(pair.getPublic());
  }

  @ParameterizedTest
  @ValueSource(strings = {"secp521r1", "Ed448", "RSA-1024"})
  void refusesKeysOfOtherKindsAndSizes(String algorithm) throws Exception {
    byte[] der = Requests.der(Requests.keyPair(algorithm));

    refuses(der, Reason.KEY_REFUSED);
  }

  @ParameterizedTest
  @CsvSource({"secp256r1,SHA1withECDSA", "secp256r1,SHA224withECDSA", "RSA-2048,SHA1withRSA"})
  void refusesWeakSignatures(String algorithm, String signature) throws Exception {
    KeyPair pair = Requests.keyPair(algorithm);

    refuses(Requests.der(pair, pair, signature), Reason.KEY_REFUSED);
  }

  @Test
  void refusesAKeyThatDidNotSign() throws Exception {
    KeyPair stolen = Requests.keyPair("secp256r1");

    refuses(
        Requests.der(stolen, Requests.keyPair("secp256r1"), "SHA256withECDSA"),
        Reason.KEY_NOT_PROVEN);
  }

  @Test
  void refusesASignatureOfAnotherKindThanTheKey() throws Exception {
    byte[] der =
        Requests.der(Requests.keyPair("secp256r1"), Requests.keyPair("RSA-2048"), "SHA256withRSA");

    refuses(der, Reason.REQUEST_MALFORMED);
  }

  @Test
  void refusesAnRsaKeyWithASmallExponent() throws Exception {
    refuses(Requests.der(RsaKeys.of(2048, 3)), Reason.KEY_REFUSED);
  }

  /** Before the key is used: what it would cost is the stranger's choice. */
  @ParameterizedTest
  @CsvSource({"2048,65538", "2048,HUGE", "4608,65537", "8192,65537"})
  void refusesAnEvenOrHugeExponentOrModulus(int bits, String exponent) throws Exception {
    ASN1EncodableVector key = new ASN1EncodableVector();
    key.add(new ASN1Integer(BigInteger.TWO.pow(bits - 1).add(BigInteger.ONE)));
    key.add(
        new ASN1Integer(
            exponent.equals("HUGE")
                ? BigInteger.TWO.pow(2000).add(BigInteger.ONE)
                : new BigInteger(exponent)));
    byte[] der =
        new PKCS10CertificationRequestBuilder(
                new X500Name(""),
                new SubjectPublicKeyInfo(
                    new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption),
                    new DERSequence(key)))
            .build(
                new JcaContentSignerBuilder("SHA256withRSA")
                    .build(Requests.keyPair("RSA-2048").getPrivate()))
            .getEncoded();

    refuses(der, Reason.KEY_REFUSED);
  }

  @Test
  void refusesWhatIsNotARequestAndNothingElse() throws Exception {
    byte[] good = Requests.der(Requests.keyPair("secp256r1"));

    refuses(new byte[0], Reason.REQUEST_MALFORMED);
    refuses(Arrays.copyOf(good, good.length - 1), Reason.REQUEST_MALFORMED);
    refuses(Arrays.copyOf(good, good.length + 1), Reason.REQUEST_MALFORMED);
    refuses(new byte[SigningRequest.LONGEST_BYTES + 1], Reason.REQUEST_MALFORMED);
    refuses(new DERSequence().getEncoded(), Reason.REQUEST_MALFORMED);
  }

  /** No input may get past as valid, or end in anything but our refusal. */
  @Test
  void refusesEveryChangeOfAByteWithAReason() throws Exception {
    byte[] good = Requests.der(Requests.keyPair("secp256r1"));
    Random random = new Random(7);
    for (int i = 0; i < good.length; i++) {
      byte[] changed = good.clone();
      changed[i] ^= (byte) (1 + random.nextInt(255));

      assertThatExceptionOfType(AuthorityException.class)
          .as("byte %s", i)
          .isThrownBy(() -> SigningRequest.parse(changed));
    }
  }

  @Test
  void keepsTheBytesItVerified() throws Exception {
    byte[] der = Requests.der(Requests.keyPair("secp256r1"));
    SigningRequest request = SigningRequest.parse(der);
    String before = request.pem();
    Arrays.fill(der, (byte) 0);

    assertThat(request.pem()).isEqualTo(before).startsWith("-----BEGIN CERTIFICATE REQUEST-----\n");
  }

  private static void refuses(byte[] der, Reason reason) {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> SigningRequest.parse(der))
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
  }
}
