package io.sluice.node.identity;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.api.identity.v1.FollowTrustBundleRequest;
import io.sluice.api.identity.v1.IssueRequest;
import io.sluice.api.identity.v1.IssueResponse;
import io.sluice.api.identity.v1.NodeAdmissionGrpc;
import io.sluice.api.identity.v1.RenewNodeRequest;
import io.sluice.api.identity.v1.RenewNodeResponse;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.api.identity.v1.WorkloadIssuingGrpc;
import io.sluice.mesh.CallRefusal;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.x509.SigningRequests;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLSession;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

/** A controller on loopback over real TLS, whose answers a test can spoil. */
public final class TestController implements AutoCloseable {
  /** What a certificate request is answered with instead of a good chain. */
  public interface Issuing {
    List<X509Certificate> chain(SpiffeId identity, PublicKey key) throws Exception;
  }

  public static final Metadata.Key<String> REASON =
      Metadata.Key.of("sluice-reason", Metadata.ASCII_STRING_MARSHALLER);

  private static final Context.Key<SSLSession> SESSION = Context.key("session");

  public final TestAuthority authority;
  public final List<SpiffeId> issued = new CopyOnWriteArrayList<>();
  public final AtomicInteger admissions = new AtomicInteger();
  public final AtomicInteger renewals = new AtomicInteger();
  public final AtomicInteger attempts = new AtomicInteger();
  public final AtomicInteger concurrent = new AtomicInteger();
  public final AtomicInteger mostConcurrent = new AtomicInteger();
  public final Set<String> callers = ConcurrentHashMap.newKeySet();
  public volatile Duration life = Duration.ofHours(24);
  public volatile Duration nodeLife = Duration.ofHours(24);
  public volatile Issuing issuing;
  public volatile Status failing = Status.OK;
  public volatile boolean superseding;
  public volatile CountDownLatch gate = new CountDownLatch(0);
  private final List<StreamObserver<TrustBundle>> followers = new CopyOnWriteArrayList<>();

  /** How many answers to admissions are lost on their way. */
  public final AtomicInteger losing = new AtomicInteger();

  private final Set<String> tokens = ConcurrentHashMap.newKeySet();
  private final Map<String, PublicKey> used = new ConcurrentHashMap<>();
  private volatile TrustBundle bundle;
  private Server server;
  private final int port;

  public TestController(TestAuthority authority) {
    this(authority, authority, 0);
  }

  /** One that shows a certificate of {@code shown} and issues by {@code authority}. */
  public TestController(TestAuthority authority, TestAuthority shown, int port) {
    this.authority = authority;
    this.issuing = (identity, key) -> authority.issue(identity, key, life);
    this.bundle = bundle(1, authority.domain, authority.root);
    this.server = start(shown, SystemIdentity.controller(shown.domain), port);
    this.port = server.getPort();
  }

  private Server start(TestAuthority shown, SpiffeId as, int wantedPort) {
    KeyPair key = SigningRequests.newKey();
    List<X509Certificate> chain = new ArrayList<>(shown.issue(as, key.getPublic(), nodeLife));
    chain.add(shown.root);
    try {
      SslContext tls =
          GrpcSslContexts.configure(
                  SslContextBuilder.forServer(
                      key.getPrivate(), chain.toArray(X509Certificate[]::new)),
                  SslProvider.JDK)
              .keyStoreType("JKS")
              .protocols("TLSv1.3")
              .clientAuth(ClientAuth.OPTIONAL)
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .build();
      return NettyServerBuilder.forAddress(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), wantedPort))
          .sslContext(tls)
          .permitKeepAliveTime(1, TimeUnit.SECONDS)
          .permitKeepAliveWithoutCalls(true)
          .addService(new Admission())
          .addService(new Workloads())
          .intercept(new Sessions())
          .build()
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String address() {
    return "127.0.0.1:" + port;
  }

  /** A token that admits one key. */
  public String token(String id) {
    tokens.add(id + ".secret");
    return "sluice-join." + Certificates.fingerprint(authority.root) + "." + id + ".secret";
  }

  /** Admits by this token as often as it is shown. */
  public void acceptAlways(String token) {
    tokens.add("*" + token);
  }

  /** Ends every connection, and is not there until {@link #comeBack}. */
  public void goAway() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    followers.clear();
  }

  public void comeBack() {
    comeBack(authority);
  }

  public void comeBack(TestAuthority shown) {
    server = start(shown, SystemIdentity.controller(shown.domain), port);
  }

  /** Tells everybody who follows, and each who comes, that somebody else follows in its place. */
  public void supersedeAll() {
    superseding = true;
    for (StreamObserver<TrustBundle> follower : followers) {
      follower.onError(refused(Status.ABORTED, CallRefusal.SUPERSEDED));
    }
    followers.clear();
  }

  /** Sends a bundle to everybody, and to those who come. */
  public void publish(TrustBundle next) {
    bundle = next;
    for (StreamObserver<TrustBundle> follower : followers) {
      synchronized (follower) {
        try {
          follower.onNext(next);
        } catch (StatusRuntimeException e) {
          followers.remove(follower); // it has left, and comes back on another connection
        }
      }
    }
  }

  public static TrustBundle bundle(long generation, TrustDomain domain, X509Certificate... roots) {
    return TrustBundle.newBuilder()
        .setTrustDomain(domain.name())
        .setGeneration(generation)
        .addAllRoots(Stream.of(roots).map(TestController::der).toList())
        .build();
  }

  private static ByteString der(X509Certificate one) {
    try {
      return ByteString.copyFrom(one.getEncoded());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static Certificate message(List<X509Certificate> chain) {
    return Certificate.newBuilder()
        .addAllChain(chain.stream().map(TestController::der).collect(Collectors.toList()))
        .build();
  }

  private static StatusRuntimeException refused(Status status, String reason) {
    Metadata trailers = new Metadata();
    trailers.put(REASON, reason);
    return status.asRuntimeException(trailers);
  }

  private static PublicKey proven(ByteString request) throws Exception {
    var parsed = new JcaPKCS10CertificationRequest(request.toByteArray());
    PublicKey key = parsed.getPublicKey();
    if (!parsed.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
      throw refused(Status.INVALID_ARGUMENT, "request_malformed");
    }
    return key;
  }

  /** URI names that a request carries. */
  private static List<String> names(ByteString request) throws Exception {
    var parsed = new JcaPKCS10CertificationRequest(request.toByteArray());
    return Stream.of(parsed.getAttributes(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest))
        .map(one -> Extensions.getInstance(one.getAttributeValues()[0]))
        .map(one -> GeneralNames.fromExtensions(one, Extension.subjectAlternativeName))
        .flatMap(one -> Stream.of(one.getNames()))
        .map(one -> one.getName().toString())
        .toList();
  }

  private interface Body<T> {
    T answer() throws Exception;
  }

  private <T> void answer(StreamObserver<T> out, Body<T> body) {
    attempts.incrementAndGet();
    mostConcurrent.accumulateAndGet(concurrent.incrementAndGet(), Math::max);
    T value;
    try {
      gate.await();
      if (!failing.isOk()) {
        throw refused(failing, "told_so");
      }
      value = body.answer();
    } catch (Exception e) {
      concurrent.decrementAndGet();
      out.onError(e);
      return;
    }
    concurrent.decrementAndGet(); // before who is answered may ask again
    out.onNext(value);
    out.onCompleted();
  }

  private static SpiffeId caller() {
    try {
      X509Certificate leaf = (X509Certificate) SESSION.get().getPeerCertificates()[0];
      return SpiffeId.parse(
          String.valueOf(leaf.getSubjectAlternativeNames().iterator().next().get(1)));
    } catch (Exception e) {
      throw refused(Status.UNAUTHENTICATED, "no_certificate");
    }
  }

  private final class Admission extends NodeAdmissionGrpc.NodeAdmissionImplBase {
    @Override
    public void admit(AdmitRequest request, StreamObserver<AdmitResponse> out) {
      answer(
          out,
          () -> {
            String token = request.getToken();
            PublicKey key = proven(request.getSigningRequest());
            if (tokens.remove(token)) {
              used.put(token, key);
            } else if (!tokens.contains("*" + token) && !key.equals(used.get(token))) {
              throw refused(Status.UNAUTHENTICATED, "token_unknown");
            }
            if (losing.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
              throw refused(Status.UNAVAILABLE, "lost");
            }
            admissions.incrementAndGet();
            return AdmitResponse.newBuilder()
                .setCertificate(
                    message(
                        authority.issue(
                            SystemIdentity.node(authority.domain, request.getNodeName()),
                            key,
                            nodeLife)))
                .setTrustBundle(bundle)
                .build();
          });
    }
  }

  private final class Workloads extends WorkloadIssuingGrpc.WorkloadIssuingImplBase {
    @Override
    public void renewNode(RenewNodeRequest request, StreamObserver<RenewNodeResponse> out) {
      answer(
          out,
          () -> {
            renewals.incrementAndGet();
            return RenewNodeResponse.newBuilder()
                .setCertificate(
                    message(
                        authority.issue(
                            caller().in(new TrustDomain(bundle.getTrustDomain())),
                            proven(request.getSigningRequest()),
                            nodeLife)))
                .build();
          });
    }

    @Override
    public void issue(IssueRequest request, StreamObserver<IssueResponse> out) {
      answer(
          out,
          () -> {
            callers.add(caller().toString());
            SpiffeId identity = SpiffeId.parse(request.getIdentity());
            if (!names(request.getSigningRequest()).equals(List.of(request.getIdentity()))) {
              throw refused(Status.INVALID_ARGUMENT, "names_wrong");
            }
            List<X509Certificate> chain =
                issuing.chain(identity, proven(request.getSigningRequest()));
            issued.add(identity);
            return IssueResponse.newBuilder().setCertificate(message(chain)).build();
          });
    }

    @Override
    public void followTrustBundle(
        FollowTrustBundleRequest request, StreamObserver<TrustBundle> out) {
      caller();
      synchronized (out) {
        out.onNext(bundle);
      }
      if (superseding) {
        out.onError(refused(Status.ABORTED, CallRefusal.SUPERSEDED));
        return;
      }
      followers.add(out);
    }
  }

  private static final class Sessions implements ServerInterceptor {
    @Override
    public <A, B> ServerCall.Listener<A> interceptCall(
        ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
      Context context =
          Context.current()
              .withValue(SESSION, call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
      return Contexts.interceptCall(context, call, headers, next);
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
