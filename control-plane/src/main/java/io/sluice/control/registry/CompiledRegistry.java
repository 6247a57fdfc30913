package io.sluice.control.registry;

import io.sluice.control.compile.CompiledChange;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.compile.OutsideCertificate;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.Egress;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.control.validate.ObjectsPresent;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotSource;
import io.sluice.mesh.Workload;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Compiles what a source delivers, whichever it is, and delivers a snapshot where its content
 * differs from that of the one before.
 */
public class CompiledRegistry implements SnapshotSource, ObjectsPresent {
  private static final Problem NOT_GOVERNED =
      new Problem(
          "MeshConfig",
          0,
          "",
          "what it says is not known, so no settings are told: nodes keep theirs, and one that has"
              + " none takes nothing",
          "mend the one that cannot be read, or leave a single one");

  private final ObjectSource source;
  private final Consumer<RegistryStatus> statusListener;
  private final Map<ObjectRef, List<KubernetesObject>> objects = new ConcurrentSkipListMap<>();
  private volatile RegistryStatus status = RegistryStatus.EMPTY;
  private final Set<ObjectRef> due = new TreeSet<>();
  private final CompilerSettings rules;
  private IncrementalCompiler compiler;
  private @Nullable CompiledChange compiled;
  private boolean everyConfig; // when it was compiled
  private volatile @Nullable MeshSnapshot delivered;
  private volatile List<OutsideCertificate> certificates = List.of();
  private volatile boolean wasComplete;
  private @Nullable Accounts accounts;

  /** Made once for each snapshot, and only where somebody asks. */
  private record Accounts(MeshSnapshot snapshot, Set<NamespacedName> names) {}

  /**
   * Starts nothing.
   *
   * @param source owned
   * @param rules whom of its objects to believe
   * @param statusListener called with each changed status, after the snapshot that goes with it was
   *     delivered, on the thread that delivered it
   */
  public CompiledRegistry(
      ObjectSource source, CompilerSettings rules, Consumer<RegistryStatus> statusListener) {
    this.rules = rules;
    this.compiler = new IncrementalCompiler(rules, 0);
    this.source = source;
    this.statusListener = statusListener;
  }

  /** Whom of its objects it believes. */
  public final CompilerSettings rules() {
    return rules;
  }

  @Override
  public final NamespaceMembership membership(String namespace) {
    MeshSnapshot latest = delivered;
    return latest == null
        ? NamespaceMembership.OUTSIDE
        : latest.membership(namespace).orElse(NamespaceMembership.OUTSIDE);
  }

  @Override
  public final List<KubernetesObject> beside(KubernetesObject object) {
    return objects.values().stream()
        .flatMap(List::stream)
        .filter(each ->
            (isAlike(each, object)
                    || (object instanceof UpstreamTrafficSetting && each instanceof Egress))
                && each.meta().namespace().equals(object.meta().namespace())
                && !each.ref().equals(object.ref()))
        .toList();
  }

  private static boolean isAlike(KubernetesObject one, KubernetesObject other) {
    return one.ref().kind().equals(other.ref().kind())
        && one.ref().group().equals(other.ref().group());
  }

  /** Certificates that clients outside the mesh get, by what was compiled last; any thread. */
  public final List<OutsideCertificate> certificates() {
    return certificates;
  }

  /** Those of workloads in the mesh; empty until all there is was read once. For one thread. */
  public final Optional<Set<NamespacedName>> accounts() {
    MeshSnapshot latest = delivered;
    if (latest == null || !wasComplete) {
      return Optional.empty();
    }
    Accounts known = accounts;
    if (known == null || known.snapshot() != latest) {
      known =
          new Accounts(
              latest,
              latest.workloads().stream()
                  .filter(Workload::enrolled)
                  .map(one -> one.identity().serviceAccountName())
                  .collect(Collectors.toUnmodifiableSet()));
      accounts = known;
    }
    return Optional.of(known.names());
  }

  /** State after the latest look at the objects, with what is wrong among them. Any thread. */
  public final RegistryStatus status() {
    return status;
  }

  @Override
  public final void start(Consumer<MeshSnapshot> consumer) {
    source.start(batch -> take(batch, consumer));
  }

  @Override
  public final void close() {
    source.close();
  }

  private void take(ObjectSource.ObjectBatch batch, Consumer<MeshSnapshot> consumer) {
    for (ObjectSource.ObjectChange change : batch.changes()) {
      if (change.objects().isEmpty()) {
        objects.remove(change.ref());
      } else {
        objects.put(change.ref(), change.objects());
      }
      due.add(change.ref());
    }
    MeshSnapshot before = delivered;
    CompiledChange compilation = compiled;
    if (compilation == null || !due.isEmpty() || batch.everyConfig() != everyConfig) {
      compilation =
          compile(compilation == null ? 0 : compilation.snapshot().revision(), batch.everyConfig());
      compiled = compilation;
    }
    MeshSnapshot next = compilation.snapshot();
    boolean complete = batch.complete() && next.isGoverned();
    if (before == null || before.revision() != next.revision() || before.isComplete() != complete) {
      before = next.withComplete(complete);
      consumer.accept(before);
      delivered = before;
    }
    if (before.isComplete()) {
      wasComplete = true;
    }
    certificates = compilation.certificates();
    publish(
        new RegistryStatus(
            before.revision(),
            before.isComplete(),
            next.isGoverned() ? batch.sourceProblems() : ungoverned(batch.sourceProblems()),
            batch.origins(),
            compilation.statuses().stream().map(source::located).toList()));
  }

  private static List<Problem> ungoverned(List<Problem> others) {
    List<Problem> all = new ArrayList<>(others);
    all.add(NOT_GOVERNED);
    return all;
  }

  /** Compiles the objects that are due; {@code revision} is the one that was compiled last. */
  private CompiledChange compile(long revision, boolean everyConfig) {
    Map<String, List<KubernetesObject>> changed = new HashMap<>();
    for (ObjectRef ref : due) {
      changed.put(ref.group() + "/" + ref, objects.getOrDefault(ref, List.of()));
    }
    try {
      CompiledChange change = compiler.apply(changed, everyConfig);
      due.clear();
      this.everyConfig = everyConfig;
      return change;
    } catch (RuntimeException e) {
      // Half of the change may be in the old one; who has what two claim stays as it was.
      compiler = new IncrementalCompiler(rules, revision, compiler.inForce());
      due.addAll(objects.keySet());
      throw e;
    }
  }

  private void publish(RegistryStatus now) {
    if (!now.equals(status)) {
      status = now;
      statusListener.accept(now);
    }
  }
}
