package io.sluice.control.xds.stream;

import com.google.protobuf.ByteString;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.xds.stream.Variant.Ask.Wish;
import io.sluice.control.xds.stream.Variant.Batch;
import io.sluice.control.xds.translate.Catalogue;
import io.sluice.control.xds.translate.XdsResource;
import io.sluice.control.xds.translate.XdsType;
import io.sluice.mesh.Printable;
import io.sluice.mesh.Version;
import io.sluice.mesh.WireLimits;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What one client wants of one type, what it was told, and what it answered. A response stands out
 * at most; what was told is not told again, also where the client could not use it. One thread at a
 * time.
 */
final class Subscription {
  /** Version of what the client was told that there is not. */
  private static final String ABSENT = "";

  /** Version of what it says it holds in a version that cannot be ours. */
  private static final String OTHER = "other";

  /** Clients name resource, field and their own classes before they say what is wrong. */
  private static final int LONGEST_PROBLEM = 512;

  private final XdsType type;
  private final boolean tellsRemovals;
  private final Names names;
  private final Map<String, String> told = new TreeMap<>();
  private boolean begun;
  private @Nullable Batch pending;
  private long madeNanos; // the latest response
  private long answeredAfterNanos;
  private String inForce = "";
  private String problem = "";

  Subscription(XdsType type, boolean tellsRemovals) {
    this.type = type;
    this.tellsRemovals = tellsRemovals;
    this.names = new Names(type);
  }

  /** What a request said of the response before. */
  enum Answer {
    /** Nothing. */
    NONE,
    /** The client goes by it. */
    TAKEN,
    /** The client goes by what it had before. */
    REFUSED
  }

  /**
   * Takes a request. What it wants counts also where it answers an older response than the last:
   * requests arrive in order, and a client that wants nothing of a type may never look at a
   * response that was on its way.
   */
  Answer take(Variant.Ask ask) {
    want(ask.wish());
    Batch answered = pending;
    if (answered == null || !answered.nonce().equals(ask.nonce())) {
      return Answer.NONE;
    }
    pending = null;
    answeredAfterNanos = System.nanoTime() - madeNanos;
    if (ask.refusal().isPresent()) {
      problem =
          "version "
              + answered.version()
              + ": "
              + Printable.text(ask.refusal().get(), LONGEST_PROBLEM);
      return Answer.REFUSED;
    }
    inForce = answered.version();
    problem = "";
    return Answer.TAKEN;
  }

  private void want(Wish wish) {
    boolean first = !names.begun;
    names.take(wish);
    told.keySet().removeIf(name -> !names.wants(name));
    if (wish instanceof Wish.Change(var added, var removed, var held)) {
      added.forEach(told::remove); // who asks again is told again
      removed.stream().filter(name -> !names.named().contains(name)).forEach(told::remove);
      if (first) { // later ones are told what it holds by us
        keep(held);
      }
    }
    if (names.isNothing()) {
      pending = null; // nobody is left who would answer it
    }
  }

  private void keep(Map<String, String> held) {
    if (held.size() > Names.MOST) {
      throw tooMuch("it says it holds more than " + Names.MOST + " resources");
    }
    held.forEach((name, version) -> {
      if (names.wants(name) && !version.isEmpty()) {
        told.put(name, version.length() > Version.CHARACTERS ? OTHER : version);
      }
    });
  }

  /** Of the names that it remembers because the client has said them. */
  long characters() {
    return names.characters;
  }

  /** How long the client took for its latest answer. */
  long answeredAfterNanos() {
    return answeredAfterNanos;
  }

  boolean isAnswered() {
    return pending == null;
  }

  /**
   * The next response; empty where there is nothing to tell.
   *
   * @param complete whether what is missing from {@code newest} is known not to exist
   */
  Optional<Batch> next(Catalogue newest, boolean complete, String nonce) {
    List<XdsResource> present = new ArrayList<>();
    List<XdsResource> changed = new ArrayList<>();
    List<String> gone = new ArrayList<>();
    for (String name : wanted(newest)) {
      Optional<XdsResource> resource = newest.get(type, name);
      resource.ifPresent(present::add);
      String version = resource.map(XdsResource::version).orElse(ABSENT);
      if (!version.equals(told.get(name))) {
        resource.ifPresentOrElse(changed::add, () -> gone.add(name));
      }
    }
    boolean first = !begun && names.isEverything();
    if (!complete && (first || !gone.isEmpty())) {
      if (!tellsRemovals && type.isWhole()) {
        return Optional.empty(); // what it leaves out would be taken for removed
      }
      gone.clear();
    }
    if (changed.isEmpty() && gone.isEmpty() && !(first && complete && mayBeEmpty())) {
      return Optional.empty();
    }
    Batch batch =
        batch(tellsRemovals || !type.isWhole() ? part(changed) : all(present), gone, nonce);
    if (batch.resources().isEmpty() && !mayBeEmpty()) {
      return Optional.empty(); // this variant has no word for it, and the cluster's end says it
    }
    begun = true;
    pending = batch;
    madeNanos = System.nanoTime();
    return Optional.of(batch);
  }

  private boolean mayBeEmpty() {
    return tellsRemovals || type.isWhole();
  }

  private Set<String> wanted(Catalogue newest) {
    if (!names.isEverything()) {
      return names.named();
    }
    Set<String> all = newest.names(type);
    all.addAll(names.named());
    all.addAll(told.keySet());
    return all;
  }

  private Batch batch(List<XdsResource> resources, List<String> gone, String nonce) {
    resources.forEach(resource -> told.put(resource.name(), resource.version()));
    for (String name : gone) {
      if (names.named().contains(name)) {
        told.put(name, ABSENT);
      } else {
        told.remove(name);
      }
    }
    return new Batch(type, nonce, version(), List.copyOf(resources), List.copyOf(gone));
  }

  /** As much as one message takes; the rest comes when the client has answered. */
  private static List<XdsResource> part(List<XdsResource> changed) {
    int bytes = 0;
    for (int i = 0; i < changed.size(); i++) {
      bytes += changed.get(i).bytes();
      if (i >= WireLimits.RESOURCES_PER_PART || (i > 0 && bytes > WireLimits.PART_CONTENT_BYTES)) {
        return changed.subList(0, i);
      }
    }
    return changed;
  }

  private List<XdsResource> all(List<XdsResource> present) {
    if (present.stream().mapToLong(XdsResource::bytes).sum() > WireLimits.PART_CONTENT_BYTES) {
      throw tooMuch(
          "all it wants of type %s is more than %s bytes, which has to go in one response"
              .formatted(type.label(), WireLimits.PART_CONTENT_BYTES));
    }
    return present;
  }

  private static RefusedException tooMuch(String problem) {
    return new RefusedException(
        RefusalReason.TOO_MUCH_ASKED, problem, "name fewer, or use the incremental variant");
  }

  private String version() {
    StringBuilder all = new StringBuilder();
    told.forEach((name, version) -> all.append(name).append('=').append(version).append('\n'));
    return Version.text(ByteString.copyFromUtf8(all.toString()));
  }

  /** For people. */
  XdsClientState.OfType state() {
    return new XdsClientState.OfType(
        type.label(),
        names.isEverything() ? "all" : Integer.toString(names.named().size()),
        (int) told.values().stream().filter(version -> !version.equals(ABSENT)).count(),
        inForce,
        pending != null,
        problem);
  }

  /**
   * Which resources of one type a client wants: those that it names, or all. A client that never
   * named one of a type which Envoy fetches as a whole wants all. One thread at a time.
   */
  static final class Names {
    /** As many services as the largest mesh that is planned for, twice. */
    static final int MOST = 4_096;

    private static final int LONGEST = 512;
    private static final String EVERYTHING = "*";

    private final XdsType type;
    private final Set<String> named = new TreeSet<>();
    private long characters;
    private boolean begun;
    private boolean everNamed;
    private boolean everything;

    Names(XdsType type) {
      this.type = type;
    }

    void take(Wish wish) {
      switch (wish) {
        case Wish.Exactly(var names) -> {
          named.clear();
          characters = 0;
          everything = false;
          everNamed |= !names.isEmpty();
          everything = !everNamed && type.isWhole();
          add(names);
        }
        case Wish.Change(var added, var removed, _) -> {
          everything |= !begun && added.isEmpty() && type.isWhole();
          removed.forEach(this::remove);
          add(added);
        }
      }
      begun = true;
    }

    private void add(Collection<String> names) {
      for (String name : names) {
        if (name.equals(EVERYTHING)) {
          everything = true;
        } else if (name.length() > LONGEST || (named.size() >= MOST && !named.contains(name))) {
          throw new RefusedException(
              RefusalReason.TOO_MUCH_ASKED,
              "a stream names at most %s resources of a type, of at most %s characters each"
                  .formatted(MOST, LONGEST),
              "ask for those that the client calls");
        } else if (named.add(name)) {
          characters += name.length();
        }
      }
    }

    private void remove(String name) {
      if (name.equals(EVERYTHING)) {
        everything = false;
      } else if (named.remove(name)) {
        characters -= name.length();
      }
    }

    /** Those that it names. */
    Set<String> named() {
      return named;
    }

    boolean isEverything() {
      return everything;
    }

    boolean isNothing() {
      return !everything && named.isEmpty();
    }

    boolean wants(String name) {
      return everything || named.contains(name);
    }
  }
}
