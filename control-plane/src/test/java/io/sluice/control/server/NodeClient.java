package io.sluice.control.server;

import com.google.protobuf.ByteString;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.api.identity.v1.IssueRequest;
import io.sluice.api.identity.v1.NodeAdmissionGrpc;
import io.sluice.api.identity.v1.RenewNodeRequest;
import io.sluice.api.identity.v1.WorkloadIssuingGrpc;
import io.sluice.control.authority.Requests;
import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.security.KeyPair;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.jspecify.annotations.Nullable;

/** A node's side of the control port, honest or not. */
final class NodeClient implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 20;

  private final int port;
  private PinnedRoot trust;
  private ManagedChannel channel;
  private @Nullable KeyPair key;
  private List<X509Certificate> shown = List.of();

  private NodeClient(int port, PinnedRoot trust) {
    this.port = port;
    this.trust = trust;
    this.channel = open(new KeyManager[0]);
  }

  /** Somebody who knows nothing but the hash of a root. */
  static NodeClient stranger(int port, String rootHash) {
    return new NodeClient(port, new PinnedRoot(rootHash));
  }

  private ManagedChannel open(KeyManager[] keys) {
    TlsChannelCredentials.Builder credentials =
        TlsChannelCredentials.newBuilder().trustManager(trust);
    if (keys.length > 0) {
      credentials.keyManager(keys);
    }
    return Grpc.newChannelBuilderForAddress("127.0.0.1", port, credentials.build()).build();
  }

  /** Believes this root of the controller from now on, on new connections. */
  NodeClient pinning(String rootHash) {
    trust = new PinnedRoot(rootHash);
    return this;
  }

  /** Shows {@code chain} from now on, on new connections. */
  NodeClient showing(KeyPair own, List<X509Certificate> chain) {
    channel.shutdownNow();
    key = own;
    shown = chain;
    channel = open(new KeyManager[] {new OneCertificate(own, chain)});
    return this;
  }

  List<X509Certificate> join(String name, String token) throws Exception {
    KeyPair own = Requests.keyPair("secp256r1");
    AdmitResponse admitted = admit(name, token, request(own));
    List<X509Certificate> chain = chain(admitted.getCertificate());
    showing(own, chain);
    return chain;
  }

  AdmitResponse admit(String name, String token, byte[] signingRequest) {
    return NodeAdmissionGrpc.newBlockingStub(channel)
        .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .admit(
            AdmitRequest.newBuilder()
                .setNodeName(name)
                .setToken(token)
                .setSigningRequest(ByteString.copyFrom(signingRequest))
                .build());
  }

  WorkloadIssuingGrpc.WorkloadIssuingBlockingStub issuing() {
    return WorkloadIssuingGrpc.newBlockingStub(channel)
        .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  WorkloadIssuingGrpc.WorkloadIssuingStub following() {
    return WorkloadIssuingGrpc.newStub(channel);
  }

  List<X509Certificate> issue(String identity, byte[] signingRequest) throws Exception {
    return chain(
        issuing()
            .issue(
                IssueRequest.newBuilder()
                    .setIdentity(identity)
                    .setSigningRequest(ByteString.copyFrom(signingRequest))
                    .build())
            .getCertificate());
  }

  List<X509Certificate> issue(String identity) throws Exception {
    return issue(identity, request(Requests.keyPair("secp256r1")));
  }

  List<X509Certificate> renew(KeyPair next) throws Exception {
    return chain(
        issuing()
            .renewNode(
                RenewNodeRequest.newBuilder()
                    .setSigningRequest(ByteString.copyFrom(request(next)))
                    .build())
            .getCertificate());
  }

  ManagedChannel channel() {
    return channel;
  }

  /** The key of the certificate that is shown. */
  KeyPair key() {
    return Objects.requireNonNull(key);
  }

  /** The certificate that is shown, and its issuers. */
  List<X509Certificate> chain() {
    return shown;
  }

  /** The controller's chain as the last handshake showed it, with the root. */
  List<X509Certificate> controllerChain() {
    return trust.lastChain();
  }

  /** A request without names. */
  static byte[] request(KeyPair pair) throws Exception {
    return request(pair, List.of());
  }

  /** A request with these URIs. */
  static byte[] request(KeyPair pair, List<String> uris) throws Exception {
    PKCS10CertificationRequestBuilder builder =
        new JcaPKCS10CertificationRequestBuilder(new X500Name(new RDN[0]), pair.getPublic());
    if (!uris.isEmpty()) {
      ExtensionsGenerator wishes = new ExtensionsGenerator();
      wishes.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(
              uris.stream()
                  .map(uri -> new GeneralName(GeneralName.uniformResourceIdentifier, uri))
                  .toArray(GeneralName[]::new)));
      builder.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, wishes.generate());
    }
    return builder
        .build(new JcaContentSignerBuilder(Requests.signatureFor(pair)).build(pair.getPrivate()))
        .toASN1Structure()
        .getEncoded(ASN1Encoding.DER);
  }

  static List<X509Certificate> chain(Certificate certificate) throws Exception {
    List<X509Certificate> chain = new ArrayList<>();
    for (ByteString der : certificate.getChainList()) {
      chain.add(
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(der.toByteArray())));
    }
    return chain;
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** Shows one certificate to every server, whatever it asks for. */
  private static final class OneCertificate extends X509ExtendedKeyManager {
    private static final String ALIAS = "one";

    private final KeyPair key;
    private final List<X509Certificate> chain;

    OneCertificate(KeyPair key, List<X509Certificate> chain) {
      this.key = key;
      this.chain = chain;
    }

    @Override
    public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
      return ALIAS;
    }

    @Override
    public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
      return ALIAS;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.toArray(X509Certificate[]::new);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key.getPrivate();
    }

    @Override
    public String[] getClientAliases(String type, Principal[] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public String[] getServerAliases(String type, Principal[] issuers) {
      return new String[0];
    }

    @Override
    public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
      throw new IllegalStateException();
    }
  }
}
