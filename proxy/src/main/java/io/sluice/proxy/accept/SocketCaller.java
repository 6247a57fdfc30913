package io.sluice.proxy.accept;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.OutsideTls;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.upstream.LocalConnections;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Who opened a socket: the pod itself at its outbound listener; at the inbound one whom our own
 * record of what we have opened names, else nobody that is proven.
 */
final class SocketCaller extends Caller {
  private static final long ASK_AGAIN_MILLIS = 1;

  private final @Nullable AcceptedFacts facts;
  private final @Nullable Reason refusal;
  private final InetSocketAddress local;
  private boolean ourOwn;

  /**
   * A caller to be found.
   *
   * @param facts null where they could not be read
   * @param refusal why it must not be led on, whoever it is
   * @param local the accepted socket's own end
   */
  SocketCaller(
      DataPath path,
      Pod pod,
      Loop loop,
      @Nullable AcceptedFacts facts,
      @Nullable Reason refusal,
      InetSocketAddress local) {
    super(path, pod, loop);
    this.facts = facts;
    this.refusal = refusal;
    this.local = local;
  }

  @Override
  @Nullable Caller ofNextOrNull() {
    return ourOwn ? null : new SocketCaller(path, pod, loop, facts, refusal, local);
  }

  @Override
  void find(MeshSnapshot snapshot, Subject subject, Connection connection) {
    AcceptedFacts known = facts;
    InetSocketAddress destination = known == null ? null : known.originalDestinationOrNull();
    if (known == null) {
      connection.refused(Verdict.of(Outcome.REFUSED, Reason.INTERNAL_ERROR), CloseKind.ERROR);
    } else if (!known.rightNamespace()) {
      refuse(connection, Reason.WRONG_NAMESPACE);
    } else if (destination == null) {
      refuse(connection, Reason.NO_ORIGINAL_DESTINATION);
    } else {
      subject.calls(destination);
      if (refusal != null) {
        refuse(connection, refusal);
      } else {
        switch (subject.direction()) {
          case OUTBOUND -> callOfPod(snapshot, destination, subject, connection);
          case INBOUND -> new Search(snapshot, destination, subject, connection).run();
        }
      }
    }
  }

  @Override
  boolean isOurOwn() {
    return ourOwn;
  }

  private static void refuse(Connection connection, Reason reason) {
    connection.refused(Verdict.of(Outcome.REFUSED, reason), CloseKind.REFUSED);
  }

  // --- from the pod --------------------------------------------------------------------------

  private void callOfPod(
      MeshSnapshot snapshot,
      InetSocketAddress destination,
      Subject subject,
      Connection connection) {
    Workload own = snapshot.workload(pod.name).orElse(null);
    InetSocketAddress client = trueClient(subject.client(), destination.getAddress(), own);
    subject.clientIs(pod.name, client, own == null ? null : own.identity(), null);
    call(snapshot, new Flow(pod.name, client, destination), subject, connection);
  }

  /**
   * The address the application would have without us. Where the connect was rewritten to a
   * loopback address the socket has one too, which nobody outside the pod may see.
   */
  private static InetSocketAddress trueClient(
      InetSocketAddress peer, InetAddress called, @Nullable Workload own) {
    if (own == null || !peer.getAddress().isLoopbackAddress() || called.isLoopbackAddress()) {
      return peer;
    }
    return own.addressLike(called)
        .map(address -> new InetSocketAddress(address, peer.getPort()))
        .orElse(peer);
  }

  // --- to the pod ----------------------------------------------------------------------------

  /** Asks until it is known who opened it, or nobody can know. */
  private final class Search implements Runnable {
    private final MeshSnapshot snapshot;
    private final Subject subject;
    private final Connection connection;
    private final long giveUpNanos = System.nanoTime() + path.settings.identityTimeout().toNanos();
    private LocalConnections.Tuple tuple;
    private boolean hasAskedForSource;

    Search(
        MeshSnapshot snapshot,
        InetSocketAddress destination,
        Subject subject,
        Connection connection) {
      this.snapshot = snapshot;
      this.subject = subject;
      this.connection = connection;
      this.tuple = new LocalConnections.Tuple(subject.client(), destination);
    }

    @Override
    public void run() {
      if (hasEnded()) {
        return;
      }
      LocalConnections.Lookup found = path.localConnections.find(tuple);
      if (found.pending() && System.nanoTime() - giveUpNanos < 0) {
        loop.executor.schedule(this, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        return;
      }
      LocalConnections.Origin origin = found.originOrNull();
      if (origin == null && isFromServedPod() && !hasAskedForSource) {
        askForSource();
      } else if (origin == null) {
        call(null, tuple.source());
      } else if (origin.inbound()) {
        path.loops.increment();
        refuse(connection, Reason.INTERNAL_ERROR);
      } else {
        origin.claim();
        ourOwn = true;
        if (origin.isTaken()) {
          connection.take();
        }
        call(origin.source(), origin.client());
      }
    }

    /** Nobody else's connections are known here by their ports, changed or not. */
    private boolean isFromServedPod() {
      return snapshot
          .workloadAt(tuple.source().getAddress())
          .filter(workload -> path.served.containsKey(workload.name()))
          .isPresent();
    }

    private void askForSource() {
      hasAskedForSource = true;
      path.sockets
          .untranslatedSource(pod.name, local, tuple.source())
          .orTimeout(path.settings.identityTimeout().toMillis(), TimeUnit.MILLISECONDS)
          .whenComplete((source, failure) ->
              loop.executor.execute(() -> {
                if (failure != null) {
                  path.failed("source-unknown", pod.name, failure);
                } else {
                  // Only a port may differ: an address may be what the caller goes by.
                  source
                      .filter(before -> before.getAddress().equals(tuple.source().getAddress()))
                      .ifPresent(before ->
                          tuple = new LocalConnections.Tuple(before, tuple.destination()));
                }
                run();
              }));
    }

    private void call(@Nullable NamespacedName source, InetSocketAddress client) {
      subject.clientIs(
          source, client, source == null ? null : snapshot.identityOf(source).orElse(null), null);
      callPod(snapshot, new Flow(source, client, tuple.destination()), subject, connection);
    }
  }

  /** Apart: the connection keeps what is told of its TLS, which is not to hold the snapshot. */
  private void callPod(MeshSnapshot snapshot, Flow flow, Subject subject, Connection connection) {
    Optional<OutsideTls> asked = OutsideTls.of(snapshot, pod.name, flow);
    if (asked.isEmpty()) {
      call(snapshot, flow, subject, connection);
      return;
    }
    Optional<TlsIdentity> own = snapshot.identityOf(pod.name).flatMap(path.identities::of);
    if (own.isEmpty()) {
      refuse(connection, Reason.NO_CERTIFICATE);
    } else {
      connection.endTls(
          own.get(),
          asked.get(),
          outsider -> call(path.snapshot, flow.of(outsider), subject, connection));
    }
  }
}
