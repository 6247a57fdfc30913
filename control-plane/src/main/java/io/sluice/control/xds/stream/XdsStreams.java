package io.sluice.control.xds.stream;

import com.google.protobuf.MessageLite;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.sluice.api.envoy.core.Node;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.issuing.MemberCertificates;
import io.sluice.control.issuing.MemberCertificates.MeshMember;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.limit.Allowances;
import io.sluice.control.metrics.XdsMetrics;
import io.sluice.control.streaming.Coalesced;
import io.sluice.control.streaming.Outgoing;
import io.sluice.control.streaming.ServedStream;
import io.sluice.control.xds.stream.Subscription.Answer;
import io.sluice.control.xds.translate.Catalogue;
import io.sluice.control.xds.translate.Translation;
import io.sluice.control.xds.translate.Translation.Asker;
import io.sluice.control.xds.translate.XdsType;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Printable;
import io.sluice.mesh.TrustDomain;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Every xDS client's way to the newest snapshot. Any thread; nothing here waits for a client. Work
 * is done on virtual threads, of which a stream has one only while there is something to look at.
 */
public final class XdsStreams implements AutoCloseable {
  /** As many as the control port has connections. */
  private static final int MOST_STREAMS = 1_024;

  /** A library of gRPC opens one for each name that it dials, in each pod of the identity. */
  private static final int MOST_OF_ONE_IDENTITY = 256;

  /** Of the names that the clients of one identity have said, and that all have. */
  private static final long MOST_CHARACTERS_OF_ONE_IDENTITY = 1 << 20;

  private static final long MOST_CHARACTERS = 8 << 20;

  private static final Logger LOG = System.getLogger(XdsStreams.class.getName());
  private static final int LINES_AT_ONCE = 20;
  private static final Duration ONE_MORE_LINE = Duration.ofSeconds(6);

  private final MemberCertificates certificates;
  private final XdsMetrics metrics;
  private final InstantSource clock;
  private final Allowances<String> logLines;
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(
          Thread.ofVirtual().name("sluice-control-xds-", 0).factory());
  private final Set<XdsStream<?, ?>> streams = ConcurrentHashMap.newKeySet();
  private MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private List<X509Certificate> roots = List.of();
  private List<TrustDomain> domains = List.of();
  private volatile @Nullable Translation newest;

  /** Whether what is missing from the newest snapshot is known not to exist. */
  private volatile boolean complete;

  private volatile boolean closed;

  /** With nothing to tell yet. */
  public XdsStreams(MemberCertificates certificates, XdsMetrics metrics, InstantSource clock) {
    this.certificates = certificates;
    this.metrics = metrics;
    this.clock = clock;
    this.logLines = new Allowances<>(LINES_AT_ONCE, ONE_MORE_LINE, MOST_STREAMS, clock);
  }

  /**
   * Tells every client, as far as it asked for it; returns at once. Until one was complete, nothing
   * is told to be missing; of one whose settings are not known nothing is told.
   */
  public synchronized void publish(MeshSnapshot changed) {
    if (!changed.isGoverned()
        || changed.revision() < snapshot.revision() // two threads publish
        || changed == snapshot) {
      return;
    }
    complete |= changed.isComplete();
    snapshot = changed;
    tell();
  }

  /** Hands out the roots of the mesh from now on, and its trust domains; returns at once. */
  public synchronized void publish(TrustBundle changed) {
    roots = changed.roots();
    domains = changed.domains();
    if (snapshot.revision() != MeshSnapshot.EMPTY.revision()) {
      tell();
    }
  }

  private void tell() {
    newest = new Translation(snapshot, roots, domains);
    streams.forEach(XdsStream::wake);
  }

  /**
   * Begins a stream.
   *
   * @param refusals what to end it with, counted and logged
   * @return takes what the client sends
   */
  public <Q, A extends MessageLite> ServedStream<Q> open(
      MeshMember member,
      Variant<Q, A> variant,
      ServerCallStreamObserver<A> out,
      Function<RefusedException, StatusRuntimeException> refusals) {
    XdsStream<Q, A> stream = new XdsStream<>(member, variant, out, refusals, this);
    streams.add(stream);
    metrics.streams(streams.size());
    long ofIdentity =
        streams.stream().filter(each -> each.member.identity().equals(member.identity())).count();
    if (streams.size() > MOST_STREAMS || ofIdentity > MOST_OF_ONE_IDENTITY) {
      stream.out.refuse(
          new RefusedException(
              RefusalReason.TOO_MUCH_ASKED,
              "there are %s streams of xDS clients, %s of them of %s"
                  .formatted(streams.size(), ofIdentity, member.identity()),
              "share channels between calls; at most "
                  + MOST_STREAMS
                  + " streams, and "
                  + MOST_OF_ONE_IDENTITY
                  + " of one identity, are served"));
    }
    if (closed) {
      stream.out.stop();
    }
    return stream;
  }

  /** That what clients ask for is little, since it is kept as long as they stay. */
  private void requireFew(MeshMember member) {
    long all = 0;
    long ofIdentity = 0;
    for (XdsStream<?, ?> stream : streams) {
      all += stream.characters;
      ofIdentity += stream.member.identity().equals(member.identity()) ? stream.characters : 0;
    }
    if (all > MOST_CHARACTERS || ofIdentity > MOST_CHARACTERS_OF_ONE_IDENTITY) {
      throw new RefusedException(
          RefusalReason.TOO_MUCH_ASKED,
          "xDS clients name resources with %s characters, those of %s with %s"
              .formatted(all, member.identity(), ofIdentity),
          "ask for those that the client calls; at most %s characters are kept, and %s of one identity"
              .formatted(MOST_CHARACTERS, MOST_CHARACTERS_OF_ONE_IDENTITY));
    }
  }

  /** Ends the streams of clients whose certificate has ended, or proves them no more. */
  public void endThoseWithoutProof() {
    for (XdsStream<?, ?> stream : streams) {
      certificates.noLongerProven(stream.member).ifPresent(stream.out::refuse);
    }
  }

  /** How each client stands, in order of what it calls itself. */
  public List<XdsClientState> clients() {
    return streams.stream()
        .map(XdsStream::state)
        .sorted(
            Comparator.comparing(XdsClientState::identity)
                .thenComparing(XdsClientState::id)
                .thenComparing(XdsClientState::since))
        .toList();
  }

  void forget(XdsStream<?, ?> stream) {
    streams.remove(stream);
    metrics.streams(streams.size());
  }

  void refused(MeshMember member, XdsStream.ClientDescription client, XdsClientState.OfType state) {
    if (logLines.take(member.identity().toString())) {
      LOG.log(
          Level.WARNING,
          "xds_response_refused client={0} identity={1} type={2} problem=\"{3}\"",
          client.id(),
          member.identity(),
          state.type(),
          state.problem());
    }
  }

  /** Ends every stream, so that connections can. */
  @Override
  public void close() {
    closed = true;
    streams.forEach(stream -> stream.out.stop());
    executor.shutdown();
  }

  /**
   * The stream of one client. Responses are made when the connection takes them. Any thread; the
   * lock is this stream's alone.
   *
   * @param <Q> requests of its variant
   * @param <A> responses of its variant
   */
  private static final class XdsStream<Q, A extends MessageLite> implements ServedStream<Q> {
    private final MeshMember member;
    private final Variant<Q, A> variant;
    private final Outgoing<A> out;
    private final XdsStreams streams;
    private final Instant since;
    private final Coalesced pump;
    private final Map<XdsType, Subscription> subscriptions = new EnumMap<>(XdsType.class);
    private @Nullable ClientDescription client;
    private @Nullable Translation considered;
    private long nonces;
    private volatile long characters;

    XdsStream(
        MeshMember member,
        Variant<Q, A> variant,
        ServerCallStreamObserver<A> out,
        Function<RefusedException, StatusRuntimeException> refusals,
        XdsStreams streams) {
      this.member = member;
      this.variant = variant;
      this.out = new Outgoing<>(out, refusals, this::left);
      this.streams = streams;
      this.since = streams.clock.instant();
      this.pump = new Coalesced(streams.executor, this::pump);
    }

    @Override
    public void wake() {
      pump.signal();
    }

    @Override
    public void onNext(Q request) {
      try {
        take(variant.ask().apply(request));
      } catch (RefusedException e) {
        out.refuse(e);
      }
    }

    private synchronized void take(Variant.Ask ask) {
      if (out.isEnded()) {
        return;
      }
      if (client == null) {
        client = ClientDescription.of(ask.node());
      }
      Optional<XdsType> type = XdsType.ofUrl(ask.typeUrl());
      if (type.isEmpty()) {
        return; // a type that we have nothing of: whoever waits for it goes on without
      }
      Subscription subscription =
          subscriptions.computeIfAbsent(
              type.get(), each -> new Subscription(each, variant.tellsRemovals()));
      Answer answer = subscription.take(ask);
      characters = subscriptions.values().stream().mapToLong(Subscription::characters).sum();
      streams.requireFew(member);
      if (answer != Answer.NONE) {
        boolean taken = answer == Answer.TAKEN;
        streams.metrics.answered(type.get().url(), taken, subscription.answeredAfterNanos());
        if (!taken) {
          streams.refused(member, client, subscription.state());
        }
      }
      considered = null;
      pump.signal();
    }

    private void pump() {
      try {
        sendWhatIsNew();
      } catch (RefusedException e) {
        out.refuse(e);
      }
    }

    private synchronized void sendWhatIsNew() {
      Translation newest = streams.newest;
      ClientDescription describes = client;
      if (newest == null || newest == considered || describes == null) {
        return;
      }
      Catalogue catalogue =
          newest.of(new Asker(member.identity(), describes.certificateProvider()));
      for (Map.Entry<XdsType, Subscription> each : subscriptions.entrySet()) {
        if (!out.isReady()) {
          return;
        }
        Subscription subscription = each.getValue();
        if (subscription.isAnswered()) {
          subscription
              .next(catalogue, streams.complete, Long.toString(++nonces))
              .ifPresent(this::send);
        }
      }
      considered = newest;
    }

    private void send(Variant.Batch batch) {
      A response = variant.response().apply(batch);
      out.send(response);
      streams.metrics.sent(
          batch.type().label(), batch.resources().size(), response.getSerializedSize());
    }

    /** How it stands; for people. */
    synchronized XdsClientState state() {
      ClientDescription describes = client;
      return new XdsClientState(
          describes == null ? "" : describes.id(),
          member.identity().toString(),
          describes == null ? "" : describes.software(),
          since,
          subscriptions.values().stream().map(Subscription::state).toList());
    }

    @Override
    public void onError(Throwable failure) {
      out.gone();
    }

    @Override
    public void onCompleted() {
      out.complete();
    }

    private void left() {
      synchronized (this) {
        subscriptions.clear();
      }
      streams.forget(this);
    }

    /**
     * What a client says of itself. It proves nothing, and opens nothing.
     *
     * @param id for people
     * @param software likewise
     * @param certificateProvider of the bootstrap's {@code certificate_providers} the one with the
     *     client's certificate and the roots of the mesh; empty for none
     */
    record ClientDescription(String id, String software, String certificateProvider) {
      /** In the metadata of the bootstrap's node. */
      private static final String CERTIFICATE_PROVIDER = "sluice.io/certificate-provider";

      private static final Pattern PROVIDER_FORM = Pattern.compile("[A-Za-z0-9._-]{0,64}");
      private static final int LONGEST = 128;

      /** The first request has it, in either variant. */
      static ClientDescription of(Optional<Node> node) {
        Node said =
            node.orElseThrow(() ->
                new RefusedException(
                    RefusalReason.STREAM_MALFORMED,
                    "the first request of a stream says no node",
                    "set node in the client's bootstrap"));
        String provider =
            said.getMetadata().containsFields(CERTIFICATE_PROVIDER)
                ? said.getMetadata().getFieldsOrThrow(CERTIFICATE_PROVIDER).getStringValue()
                : "";
        if (!PROVIDER_FORM.matcher(provider).matches()) {
          throw new RefusedException(
              RefusalReason.STREAM_MALFORMED,
              "node.metadata." + CERTIFICATE_PROVIDER + " is no name of a certificate provider",
              "use at most 64 letters, digits, '.', '_' and '-'");
        }
        return new ClientDescription(
            Printable.text(said.getId(), LONGEST),
            Printable.text(said.getUserAgentName() + " " + said.getUserAgentVersion(), LONGEST)
                .strip(),
            provider);
      }
    }
  }
}
