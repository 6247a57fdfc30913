package io.sluice.node.identity.control;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.api.identity.v1.FederatedBundle;
import io.sluice.api.identity.v1.FollowTrustBundleRequest;
import io.sluice.api.identity.v1.IssueRequest;
import io.sluice.api.identity.v1.NodeAdmissionGrpc;
import io.sluice.api.identity.v1.RenewNodeRequest;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.api.identity.v1.WorkloadIssuingGrpc;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.WireLimits;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.node.identity.control.Connection.CallStatus;
import io.sluice.node.identity.control.Connection.ControllerVerifier;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The controller as a node calls it. One connection at a time, opened by the first call and again
 * by the first one after a failure; calls fail with {@link ControlFailure} and are not repeated
 * here. Calls block, up to the time-out; any thread, several at once.
 */
public final class ControllerClient implements AutoCloseable {
  private static final int GENTLE_CLOSE_MILLIS = 500;

  /**
   * What an admission brings.
   *
   * @param chain of the node itself, leaf first
   */
  public record Admission(List<X509Certificate> chain, TrustRoots roots) {}

  private final List<ControlAddress> addresses;
  private final ControlTiming timing;
  private final InstantSource clock;
  private final MultiThreadIoEventLoopGroup loop;
  private final ExecutorService calls;
  private final ExecutorService lookups;
  private volatile @Nullable ControllerTrust trust;
  private @Nullable Credential own; // guarded by this
  private @Nullable Connection connection; // guarded by this
  private boolean closed; // guarded by this

  /** Which address is next; grows with each failure. Guarded by this. */
  private int turn;

  /**
   * Connects to nobody yet.
   *
   * @param addresses of replicas, one at least; each is used until it fails, then the next
   */
  public ControllerClient(
      List<ControlAddress> addresses, ControlTiming timing, InstantSource clock) {
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("a controller has an address");
    }
    this.addresses = List.copyOf(addresses);
    this.timing = timing;
    this.clock = clock;
    this.loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("sluice-control", true), EpollIoHandler.newFactory());
    this.calls =
        Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("sluice-control-call").factory());
    // A name is looked up by a native call, which would hold the carrier of a virtual thread.
    this.lookups =
        Executors.newThreadPerTaskExecutor(
            Thread.ofPlatform().daemon().name("sluice-control-lookup").factory());
  }

  /** Makes all later connections with these; one with other ends closes when its calls are done. */
  public synchronized void present(Credential credential, ControllerTrust believed) {
    trust = believed;
    if (own != credential) {
      own = credential;
      notifyAll();
      Connection former = connection;
      connection = null;
      if (former != null) {
        former.retire();
      }
    }
  }

  /** Waits for a certificate to call with; false when there is none in time. */
  public synchronized boolean awaitCredential(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    long left = patience.toMillis();
    while (own == null && !closed && left > 0) {
      wait(left);
      left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
    }
    return own != null && !closed;
  }

  /** Exchanges a token for this node's certificate, on a connection of its own. */
  public Admission admit(
      ControllerTrust believed, String nodeName, String token, byte[] signingRequest) {
    Connection once = connect(() -> believed, Optional.empty());
    try {
      AdmitResponse answer =
          answer(
              once,
              "admission of node " + nodeName,
              () ->
                  NodeAdmissionGrpc.newBlockingStub(once.channel)
                      .withDeadlineAfter(timing.call().toMillis(), TimeUnit.MILLISECONDS)
                      .admit(
                          AdmitRequest.newBuilder()
                              .setNodeName(nodeName)
                              .setToken(token)
                              .setSigningRequest(ByteString.copyFrom(signingRequest))
                              .build()));
      SvidJudge.Proven controller = once.verifier.proven().orElseThrow();
      TrustRoots roots = roots(answer.getTrustBundle());
      if (!roots.domains().contains(controller.identity().trustDomain())
          || !roots.roots().contains(controller.root())) {
        throw new ControlFailure(
            Reason.BAD_ANSWER,
            "the trust bundle "
                + roots
                + " of the admission does not hold the root of "
                + controller.identity()
                + " that sent it");
      }
      return new Admission(chain(answer.getCertificate()), roots);
    } finally {
      once.retire();
    }
  }

  /** A new certificate for this node. */
  public List<X509Certificate> renewNode(byte[] signingRequest) {
    return call(
        "renewal of the node's certificate",
        used ->
            chain(
                WorkloadIssuingGrpc.newBlockingStub(used.channel)
                    .withDeadlineAfter(timing.call().toMillis(), TimeUnit.MILLISECONDS)
                    .renewNode(
                        RenewNodeRequest.newBuilder()
                            .setSigningRequest(ByteString.copyFrom(signingRequest))
                            .build())
                    .getCertificate()));
  }

  /** A certificate for an identity of a pod on this node. */
  public List<X509Certificate> issue(SpiffeId identity, byte[] signingRequest) {
    return call(
        "certificate of " + identity,
        used ->
            chain(
                WorkloadIssuingGrpc.newBlockingStub(used.channel)
                    .withDeadlineAfter(timing.call().toMillis(), TimeUnit.MILLISECONDS)
                    .issue(
                        IssueRequest.newBuilder()
                            .setIdentity(identity.toString())
                            .setSigningRequest(ByteString.copyFrom(signingRequest))
                            .build())
                    .getCertificate()));
  }

  /**
   * Hands every trust bundle to {@code follower}, until the connection is lost or replaced, when it
   * throws; or until {@link #close}.
   */
  public void followTrustBundle(Consumer<TrustRoots> follower) {
    call(
        "trust bundle",
        used -> {
          Context before = used.streams.attach();
          try {
            Iterator<TrustBundle> bundles =
                WorkloadIssuingGrpc.newBlockingStub(used.channel)
                    .followTrustBundle(FollowTrustBundleRequest.getDefaultInstance());
            while (bundles.hasNext()) {
              follower.accept(roots(bundles.next()));
            }
          } finally {
            used.streams.detach(before);
          }
          throw new ControlFailure(Reason.UNREACHABLE, "the controller ended the trust bundle");
        });
  }

  /**
   * Begins the stream of what this node needs, on the same connection as all else. It ends when the
   * connection is lost or replaced.
   */
  public ResourceStream followResources() {
    Connection used = current();
    ResourceStream stream = new ResourceStream(end -> failed("stream of resources", used, end));
    Context before = used.streams.attach();
    try {
      AggregatedDiscoveryServiceGrpc.newStub(used.channel)
          .withMaxInboundMessageSize(WireLimits.PART_MESSAGE_BYTES)
          .deltaAggregatedResources(stream.observer());
    } finally {
      used.streams.detach(before);
    }
    return stream;
  }

  private synchronized Connection current() {
    Connection present = connection;
    ControllerTrust believed = trust;
    Credential credential = own;
    if (present != null) {
      return present;
    }
    if (closed || believed == null || credential == null) {
      throw new ControlFailure(Reason.INTERNAL, "this node has no certificate to call with");
    }
    Connection made = connect(() -> Objects.requireNonNull(trust), Optional.of(credential));
    connection = made;
    return made;
  }

  private synchronized Connection connect(
      Supplier<ControllerTrust> believed, Optional<Credential> credential) {
    return Connection.to(
        addresses.get(turn % addresses.size()),
        new ControllerVerifier(believed, clock),
        credential,
        timing,
        loop,
        calls,
        lookups);
  }

  private <T> T call(String what, Function<Connection, T> body) {
    Connection used = current();
    return answer(used, what, () -> body.apply(used));
  }

  private <T> T answer(Connection used, String what, Supplier<T> body) {
    try {
      return body.get();
    } catch (StatusRuntimeException e) {
      throw failed(what, used, e);
    }
  }

  private ControlFailure failed(String what, Connection used, StatusRuntimeException met) {
    if (used.isRetired() && met.getStatus().getCode() == Status.Code.CANCELLED) {
      return new ControlFailure(Reason.REPLACED, what + ": its connection gave way to a new one");
    }
    ControlFailure failure = CallStatus.failure(what, used.address, met, used.verifier);
    if (failure.reason() == Reason.UNREACHABLE
        || failure.reason() == Reason.UNTRUSTED_CONTROLLER
        || failure.reason() == Reason.TIMEOUT) {
      discard(used);
    }
    return failure;
  }

  /**
   * The next call connects anew: gRPC's own pauses would come on top of the caller's. One that was
   * replaced is left to the calls which it still has. The next address is tried then, also where
   * the broken connection was made for an admission alone.
   */
  private synchronized void discard(Connection broken) {
    if (connection == broken) {
      connection = null;
      broken.end();
      turn = (turn + 1) % addresses.size();
    } else if (own == null) {
      turn = (turn + 1) % addresses.size();
    }
  }

  private static List<X509Certificate> chain(Certificate certificate) {
    try {
      return Certificates.parse(
          certificate.getChainList().stream().map(ByteString::toByteArray).toList(),
          SvidJudge.LONGEST_CHAIN);
    } catch (CertificateException e) {
      throw new ControlFailure(
          Reason.BAD_ANSWER, "the controller sent no chain: " + e.getMessage(), e);
    }
  }

  /**
   * A trust bundle as it comes over the wire.
   *
   * @throws ControlFailure where it cannot be used
   */
  public static TrustRoots roots(TrustBundle bundle) {
    try {
      return TrustRoots.of(
          new TrustDomain(bundle.getTrustDomain()),
          bundle.getGeneration(),
          Certificates.parse(
              bundle.getRootsList().stream().map(ByteString::toByteArray).toList(),
              TrustRoots.MOST),
          bundle.getOtherTrustDomainsList().stream()
              .limit(TrustRoots.MOST_OTHER_DOMAINS + 1)
              .map(TrustDomain::new)
              .toList(),
          bundle.getFederationKnown()
              ? Optional.of(federated(bundle.getFederatedList()))
              : Optional.empty());
    } catch (CertificateException | IllegalArgumentException e) {
      throw new ControlFailure(
          Reason.BAD_ANSWER, "the controller sent no trust bundle: " + e.getMessage(), e);
    }
  }

  private static FederatedBundles federated(List<FederatedBundle> sent)
      throws CertificateException {
    Map<TrustDomain, List<X509Certificate>> roots = new HashMap<>();
    for (FederatedBundle one : sent) {
      TrustDomain domain = new TrustDomain(one.getTrustDomain());
      List<X509Certificate> certificates =
          Certificates.parse(
              one.getRootsList().stream().map(ByteString::toByteArray).toList(),
              FederatedBundles.MOST_ROOTS);
      if (roots.put(domain, certificates) != null) {
        throw new CertificateException("trust domain " + domain + " has two bundles");
      }
    }
    return new FederatedBundles(roots);
  }

  /** Ends every call; those under way fail. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
      Connection present = connection;
      connection = null;
      if (present != null) {
        present.end();
      }
    }
    loop.shutdownGracefully(0, GENTLE_CLOSE_MILLIS, TimeUnit.MILLISECONDS);
    calls.close();
    lookups.shutdown();
  }
}
