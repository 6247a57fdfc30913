package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.control.admission.AdmissionException;
import io.sluice.control.admission.JoinTokens;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.SigningRequest;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.x509.TrustRoots;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.time.InstantSource;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * The exchange by which a node joins: what it says to the controller, what it hears, and the file
 * with its token. Everything is refused with a reason or understood; nobody is admitted without the
 * token's secret.
 *
 * <p>The first byte says which: a request of a node; the extensions of a certificate request, which
 * is then signed as a node would; a controller's answer; a token's text.
 */
public final class JoinTarget {
  private static final int PARTS = 4;
  private static final String NODE = "edge1";
  private static final SpiffeId IDENTITY =
      new SpiffeId(TrustDomain.CLUSTER_LOCAL, "sluice-system", "node.edge1");

  private static final KeyPair KEY = key();
  private static final Path DIRECTORY = directory();
  private static final JoinTokens TOKENS =
      JoinTokens.in(DIRECTORY.resolve("tokens"), InstantSource.system());
  private static final String TOKEN = token();

  private JoinTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    WireInput in = new WireInput(input);
    int part = in.number() % PARTS;
    byte[] rest = in.rest().toByteArray();
    switch (part) {
      case 0 -> request(rest);
      case 1 -> signed(rest);
      case 2 -> answer(rest);
      default -> token(new String(rest, StandardCharsets.UTF_8));
    }
  }

  private static void request(byte[] bytes) {
    AdmitRequest request;
    try {
      request = AdmitRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return; // gRPC's to refuse
    }
    // With the ID of a token that exists: no fuzzer guesses one.
    for (String token : List.of(request.getToken(), TOKEN.substring(0, 17) + request.getToken())) {
      try {
        TOKENS.admit(token, request.getNodeName(), KEY.getPublic());
        require(token.equals(TOKEN), "admitted by a token that is not the one");
      } catch (AdmissionException e) {
        require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
      }
    }
    look(request.getSigningRequest().toByteArray());
  }

  /** A node signs what it likes; so its extensions are read behind a good signature. */
  private static void signed(byte[] extensions) {
    byte[] der;
    try {
      der =
          new JcaPKCS10CertificationRequestBuilder(new X500Principal(""), KEY.getPublic())
              .addAttribute(
                  PKCSObjectIdentifiers.pkcs_9_at_extensionRequest,
                  ASN1Primitive.fromByteArray(extensions))
              .build(new JcaContentSignerBuilder("SHA256withECDSA").build(KEY.getPrivate()))
              .getEncoded();
    } catch (IOException | OperatorCreationException | RuntimeException e) {
      return; // not to be encoded
    }
    look(der);
  }

  private static void look(byte[] der) {
    try {
      SigningRequest request = SigningRequest.parse(der);
      boolean _ = request.namesNobodyBut(IDENTITY);
      require(
          request.deviationFrom(IDENTITY).map(clause -> !clause.isBlank()).orElse(true),
          "deviates without a word");
    } catch (AuthorityException e) {
      require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
    }
  }

  /** As the node's client reads it. */
  private static void answer(byte[] bytes) {
    try {
      AdmitResponse answer = AdmitResponse.parseFrom(bytes);
      var bundle = answer.getTrustBundle();
      try {
        TrustRoots roots = ControllerClient.roots(bundle);
        require(!roots.roots().isEmpty(), "a bundle without a root");
      } catch (ControlFailure e) {
        require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
      }
      var chain =
          Certificates.parse(
              answer.getCertificate().getChainList().stream().map(ByteString::toByteArray).toList(),
              SvidJudge.LONGEST_CHAIN);
      require(chain.size() <= SvidJudge.LONGEST_CHAIN, "a chain that is too long");
    } catch (InvalidProtocolBufferException e) {
      // gRPC's to refuse
    } catch (CertificateException e) {
      require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
    }
  }

  private static void token(String text) {
    try {
      JoinToken token = JoinToken.parse(text);
      JoinToken other = new JoinToken(token.rootFingerprint(), token.id(), "another");
      require(token.toString().equals(other.toString()), "the secret is told");
    } catch (IllegalArgumentException e) {
      boolean isOrdinary = text.length() < TOKEN.length(); // a few letters stand in any message
      require(isOrdinary || !String.valueOf(e.getMessage()).contains(text), "the text is told");
    }
    require(!JoinTokens.isOne(text) || text.length() == TOKEN.length(), "another form: " + text);
  }

  private static KeyPair key() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has P-256", e);
    }
  }

  private static Path directory() {
    try {
      return Files.createTempDirectory("sluice-fuzz");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The one that there is; its file goes with the process. */
  private static String token() {
    String token = TOKENS.create(NODE, JoinTokens.LONGEST_LIFETIME);
    Path file = DIRECTORY.resolve("tokens").resolve(token.substring(0, 16) + ".json");
    for (Path made : List.of(DIRECTORY, file.getParent(), file)) {
      made.toFile().deleteOnExit(); // the last one first
    }
    return token;
  }
}
