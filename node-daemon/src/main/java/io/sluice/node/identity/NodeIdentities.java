package io.sluice.node.identity;

import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.node.identity.CertificateStatus.State;
import io.sluice.node.identity.HeldIdentities.HeldIdentity;
import io.sluice.node.identity.Keeping.KeptState;
import io.sluice.node.identity.RequestCounts.Series;
import io.sluice.node.identity.Requests.AdmissionProof;
import io.sluice.node.identity.control.ControlTiming;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.node.store.MeshMark;
import io.sluice.process.SiteClock;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsPolicy;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The certificates of one node. Any thread, once begun; what reads files says so. */
public final class NodeIdentities implements WorkloadIdentities, AutoCloseable {
  private final String nodeName;
  private final Path directory;
  private final ControlSettings settings;
  private KeptState kept; // until it is used, by who begins
  private final ControllerClient controller;
  private final NodeSelf self;
  private final AdmissionProof proof;
  private final Keeping keeping;
  private final IdentityKeeper keeper;
  private final IdentityClock clock;

  NodeIdentities(
      String nodeName,
      Path directory,
      ControlSettings settings,
      TlsPolicy policy,
      ControlTiming timing,
      IdentityClock clock) {
    SecureRandom random = new SecureRandom();
    this.nodeName = nodeName;
    this.directory = directory;
    this.settings = settings;
    this.clock = clock;
    kept = KeptState.read(nodeName, directory, settings, List.of(), clock.instant());
    keeping = new Keeping(kept.store(), settings.keepKeys(), kept.problem());
    controller = new ControllerClient(settings.addresses(), timing, clock);
    self = new NodeSelf(controller);
    proof = new AdmissionProof(settings.admission());
    Requests requests = new Requests(nodeName, controller, proof, clock, random);
    keeper = new IdentityKeeper(self, controller, requests, keeping, clock, random, policy);
  }

  /**
   * Goes by what was kept in {@code directory} and begins to ask the controller. Neither a store
   * that cannot be used nor a controller that does not answer is a failure.
   *
   * @param directory made when missing, for this daemon alone
   * @param policy asked for every handshake
   */
  public static NodeIdentities start(
      String nodeName, Path directory, ControlSettings settings, TlsPolicy policy) {
    NodeIdentities started =
        new NodeIdentities(
            nodeName, directory, settings, policy, ControlTiming.DEFAULTS, IdentityClock.SYSTEM);
    started.begin();
    return started;
  }

  /**
   * Reads what was kept; asks for nothing and uses nothing before {@link #begin}.
   *
   * @param clock by which everything is judged; not owned
   */
  public static NodeIdentities read(
      String nodeName,
      Path directory,
      ControlSettings settings,
      SiteClock clock,
      TlsPolicy policy) {
    return new NodeIdentities(
        nodeName, directory, settings, policy, ControlTiming.DEFAULTS, IdentityClock.of(clock));
  }

  /** Goes by what was read, and begins to ask the controller; once. */
  public void begin() {
    keeper.start(kept.node(), kept.workloads());
    kept = KeptState.NONE;
  }

  /** The same with what {@link #leave} gave in the daemon that ran until now, and kept since. */
  public void succeed(List<Credential> passed) {
    kept = KeptState.read(nodeName, directory, settings, passed, clock.instant());
    begin();
  }

  @Override
  public Optional<TlsIdentity> of(SpiffeId identity) {
    HeldIdentity one = keeper.held().of(identity);
    return one == null ? Optional.empty() : one.usable(clock.instant());
  }

  /**
   * Takes the identities of the pods on this node; returns at once. One that is missing from a
   * later call is forgotten half a minute after it, when {@code stillUsed} says no.
   */
  public void want(Set<SpiffeId> identities, Predicate<SpiffeId> stillUsed) {
    keeper.want(identities, stillUsed);
  }

  /** The controller, by this node's own certificate. */
  public ControllerClient controller() {
    return controller;
  }

  /** Which mesh the node is in; reads a small file. */
  public MeshMark mesh() {
    return self.roots().map(proof::mesh).orElse(MeshMark.UNKNOWN);
  }

  /**
   * Which mesh the node is to be in, before the controller has answered: what the operator says by
   * the ConfigMap of the roots or a new join token goes before what is kept. Reads small files.
   */
  public MeshMark expectedMesh() {
    return proof.mesh(self.known());
  }

  /**
   * Why this node is in force for a mesh that whoever answers at the controller's address does not
   * know; empty while he does, and while nobody answers.
   */
  public Optional<String> estrangement() {
    return keeper.estrangement().map(Trouble::text);
  }

  /** Has {@code listener} told when the node was admitted by other roots than it had. */
  public void onReplacedRoots(Consumer<List<String>> listener) {
    self.onReplacedRoots(listener);
  }

  /** Has {@code listener} told when peers are believed by other roots; it must not block. */
  public void onChangedTrust(Runnable listener) {
    keeper.onChangedTrust(listener);
  }

  /**
   * Has every certificate asked for anew, the node's and those of its pods; returns at once. What
   * is held stays in use until another has come.
   */
  public void renewAll() {
    keeper.renewAll();
  }

  /** Whether a restart of the machine without a controller leaves the pods' certificates. */
  public boolean keepsKeys() {
    return settings.keepKeys();
  }

  /** What may admit this node again when its own certificate has ended. */
  public ControlSettings.Admission admission() {
    return settings.admission();
  }

  /** Roots that peers are believed by; empty before the first admission. */
  public List<X509Certificate> roots() {
    return self.roots().map(TrustRoots::roots).orElse(List.of());
  }

  /** Roots that pods of other meshes are believed by; none before the controller has told them. */
  public FederatedBundles federated() {
    return self.roots().flatMap(TrustRoots::federated).orElse(FederatedBundles.NONE);
  }

  /** The clock that certificates are judged by. */
  public SiteTime time() {
    return clock;
  }

  /** Requests since the start. */
  public Map<Series, Long> requests() {
    return keeper.counts().values();
  }

  /** Every certificate, the node's own first; also the missing ones. */
  public List<CertificateStatus> certificates() {
    Instant now = clock.instant();
    List<CertificateStatus> all = new ArrayList<>();
    self.known()
        .ifPresent(node ->
            all.add(
                status(
                    node.credential().identity(),
                    Optional.of(node.credential()),
                    self.trouble(),
                    now)));
    keeper.held().all().stream()
        .sorted(Comparator.comparing(one -> one.identity().toString()))
        .forEach(one -> {
          boolean usable = state(one.credential(), now) == State.VALID;
          Optional<Trouble> trouble = usable ? one.trouble() : troubleOf(one);
          all.add(status(one.identity(), one.credential(), trouble, now));
        });
    return all;
  }

  /** What is shown to peers as that identity, the leaf first; empty while there is none. */
  public List<X509Certificate> chain(SpiffeId identity) {
    HeldIdentity one = keeper.held().of(identity);
    return one == null ? List.of() : one.credential().map(Credential::chain).orElse(List.of());
  }

  private CertificateStatus status(
      SpiffeId identity, Optional<Credential> credential, Optional<Trouble> trouble, Instant now) {
    return new CertificateStatus(
        identity,
        state(credential, now),
        credential.map(this::facts).orElse(null),
        trouble.map(Trouble::text).orElse(""));
  }

  /**
   * Why {@link #of} is empty for an identity, in a sentence as `node certificates` tells it. Never
   * blocks.
   */
  public String whyMissing(SpiffeId identity) {
    HeldIdentity one = keeper.held().of(identity);
    if (one == null) {
      return identity
          + " is not known as one of this node's: no enrolled pod in the registry, with"
          + " this node as spec.nodeName, has it";
    }
    return identity
        + " is "
        + state(one.credential(), clock.instant()).label()
        + ": "
        + troubleOf(one).map(Trouble::text).orElse("asked for, no answer yet");
  }

  /** What keeps a certificate away: its own trouble, or that of the node or the controller. */
  private Optional<Trouble> troubleOf(HeldIdentity one) {
    return one.trouble().or(self::trouble).or(keeper::linkTrouble);
  }

  private static State state(Optional<Credential> credential, Instant now) {
    return credential
        .map(one -> now.isAfter(one.end()) ? State.EXPIRED : State.VALID)
        .orElse(State.MISSING);
  }

  private CertificateStatus.Facts facts(Credential one) {
    List<X509Certificate> roots = self.roots().map(TrustRoots::roots).orElse(List.of());
    return new CertificateStatus.Facts(
        one.serial().toString(16),
        one.leaf().getNotBefore().toInstant(),
        one.end(),
        one.renewAt(),
        one.leaf().getIssuerX500Principal().getName(),
        one.chain().size(),
        Certificates.root(one.chain(), roots).map(Certificates::id).orElse(""));
  }

  /** How all of it stands. */
  public IdentityStatus status() {
    Instant now = clock.instant();
    Optional<KeptNode> node = self.known();
    Optional<TrustRoots> roots = self.roots();
    List<State> states =
        keeper.held().all().stream().map(one -> state(one.credential(), now)).toList();
    Optional<Trouble> oldest =
        Stream.concat(
                Stream.of(keeper.linkTrouble(), self.trouble()).flatMap(Optional::stream),
                keeper.held().all().stream().flatMap(one -> one.trouble().stream()))
            .min(Comparator.comparing(Trouble::since));
    return new IdentityStatus(
        settings.controller(),
        roots.map(TrustRoots::trustDomain).orElse(null),
        node.map(one -> one.credential().end()).orElse(null),
        earliest(
            keeper.held().all().stream()
                .flatMap(one -> one.credential().stream())
                .map(Credential::end)),
        earliest(
            roots.stream()
                .flatMap(one -> one.roots().stream())
                .map(one -> one.getNotAfter().toInstant())),
        count(states, State.VALID),
        count(states, State.EXPIRED),
        count(states, State.MISSING),
        keeper.isConnected(),
        keeper.lastContact().orElse(null),
        oldest.map(Trouble::since).orElse(null),
        oldest.map(Trouble::text).orElse(""),
        roots.map(TrustRoots::generation).orElse(0L),
        roots.map(one -> one.roots().stream().map(Certificates::id).toList()).orElse(List.of()),
        federated().roots().keySet().stream().map(TrustDomain::name).sorted().toList(),
        self.bundleProblem(),
        keeping.problem());
  }

  private static @Nullable Instant earliest(Stream<Instant> ends) {
    return ends.min(Instant::compareTo).orElse(null);
  }

  private static int count(List<State> states, State which) {
    return (int) states.stream().filter(which::equals).count();
  }

  /** Seen by tests: the trust domains of the mesh. */
  List<TrustDomain> domains() {
    return self.roots().map(TrustRoots::domains).orElse(List.of());
  }

  /** Seen by tests: looks at the clocks at once. */
  void wake() {
    keeper.wake();
  }

  /**
   * Ends every request and writes nothing more, for another daemon of this node does so from now
   * on. Certificates stay in use for connections that stand.
   *
   * @return those of the pods, with their keys
   */
  public List<Credential> leave() {
    keeper.stop();
    keeping.close();
    controller.close();
    return keeper.held().all().stream().flatMap(one -> one.credential().stream()).toList();
  }

  /** Ends every request and forgets every key; connections that stand are not touched. */
  @Override
  public void close() {
    keeper.close();
    keeping.close();
    controller.close();
  }
}
