package io.sluice.control.kubernetes;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.sluice.control.kubernetes.JsonTree.WatchEvents.WatchEvent;
import io.sluice.control.kubernetes.KindObjects.Seen;
import io.sluice.control.kubernetes.KindObjects.Update;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.kubernetes.KubernetesApiException.RetryAfter;
import io.sluice.control.kubernetes.WatchCounts.Event;
import io.sluice.control.kubernetes.WatchCounts.Restart;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.ReadableKind;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Lists the objects of one kind and follows what changes, from one resource version to the next.
 * Fails with the reason why it cannot; the next call goes on from where this one came to, or lists
 * again where the server no longer knows that version. Confined to one thread.
 */
final class KindWatch {
  /** A watch that ends sooner, without an event, is not worth the name. */
  private static final Duration SHORTEST_WATCH = Duration.ofSeconds(1);

  private final KubernetesApi api;
  private final ReadableKind kind;
  private final WatchSettings settings;
  private final KindObjects objects;
  private final WatchCounts counts;
  private final KindFollower follower;
  private @Nullable Restart odd;
  private String path = "";
  private String version = "";
  private long listedAt;

  KindWatch(
      KubernetesApi api,
      ReadableKind kind,
      WatchSettings settings,
      KindObjects objects,
      WatchCounts counts,
      KindFollower follower) {
    this.api = api;
    this.kind = kind;
    this.settings = settings;
    this.objects = objects;
    this.counts = counts;
    this.follower = follower;
  }

  /**
   * Takes a list where one is due, else watches until the server ends the watch.
   *
   * @throws KubernetesApiException with {@link Failure#NOT_FOUND} where the kind is not installed
   */
  void step() {
    boolean isOld = System.nanoTime() - listedAt > settings.listAgainAfter().toNanos();
    if (version.isEmpty() || isOld) {
      list();
      return;
    }
    odd = null;
    try {
      watch();
      counts.restarted(Restart.ENDED);
    } catch (KubernetesApiException e) {
      Restart reason = WatchCounts.reason(e);
      counts.restarted(odd == null ? reason : odd);
      if (reason == Restart.GONE || e.failure() == Failure.NOT_FOUND) {
        version = "";
      }
      throw e;
    }
  }

  private void list() {
    KubernetesApiException missing = null;
    for (String apiVersion : kind.versions()) {
      path = path(apiVersion);
      try {
        listPages();
        return;
      } catch (KubernetesApiException e) {
        if (e.failure() != Failure.NOT_FOUND) {
          throw e;
        }
        missing = e;
      }
    }
    throw Objects.requireNonNull(missing, "every kind has a version");
  }

  private String path(String apiVersion) {
    String root = kind.group().isEmpty() ? "/api/" : "/apis/" + kind.group() + "/";
    return root + apiVersion + "/" + kind.resource();
  }

  private void listPages() {
    List<Seen> seen = new ArrayList<>();
    String next = "";
    JsonTree.ListPage page;
    do {
      try (AnswerStream in = api.open(path + settings.listQuery(next), settings.silence())) {
        in.countBy(counts::received);
        page =
            JsonTree.ListPage.read(
                in,
                object -> {
                  objects.requireRoomFor(seen.size() + 1);
                  seen.add(objects.read(object));
                });
      } catch (IOException e) {
        throw broken(e);
      }
      next = page.next();
    } while (!next.isEmpty());
    List<Update> updates = objects.replace(seen);
    if (listedAt == 0) {
      seen.forEach(each -> counts.told(Event.ADDED, each.ref().namespace()));
    }
    version = page.version();
    counts.listed();
    listedAt = System.nanoTime();
    follower.upToDate(updates);
  }

  private void watch() {
    long began = System.nanoTime();
    boolean isFollowed = false;
    try (AnswerStream in =
        api.open(path + settings.watchQuery(version), settings.silenceOfWatch())) {
      in.countBy(counts::received);
      // A status says little: what answers may be something else than an API server.
      isFollowed = in.isQuietFor(SHORTEST_WATCH);
      if (isFollowed) {
        follower.upToDate(List.of());
      }
      JsonTree.WatchEvents events = new JsonTree.WatchEvents(in);
      for (var event = events.next(); event.isPresent(); event = events.next()) {
        take(event.get());
        if (!isFollowed) {
          isFollowed = true;
          follower.upToDate(List.of());
        }
      }
    } catch (SocketTimeoutException e) {
      // The server should have ended it by now: what looked quiet may have been dead all the time.
      version = "";
      throw broken(e);
    } catch (IOException e) {
      throw broken(e);
    }
    if (!isFollowed && System.nanoTime() - began < SHORTEST_WATCH.toNanos()) {
      throw broken(new IOException("the server ended the watch at once"));
    }
  }

  private void take(WatchEvent event) {
    if (event.type().equals("ERROR")) {
      throw refused(event.object());
    }
    String now = event.version();
    if (now.isEmpty() || isBefore(now, version)) {
      listAgain("an event is from before " + version + ": '" + now + "'");
    }
    switch (event.type()) {
      case "BOOKMARK" -> counts.happened(Event.BOOKMARK); // only says how far the server has come
      case "ADDED", "MODIFIED" -> {
        happened(Event.valueOf(event.type()), event);
        if (!now.equals(version)) { // else a repetition
          follower.changed(objects.put(objects.read(event.object())));
        }
      }
      case "DELETED" -> {
        happened(Event.DELETED, event);
        follower.changed(objects.remove(objects.read(event.object()).ref()));
      }
      default -> listAgain("it sent an event of type '" + event.type() + "'");
    }
    version = now;
  }

  /**
   * Whether {@code version} is surely from before {@code other}. The API promises that those of one
   * kind are decimal numbers that grow with each change (KEP-5504, and in fact before); of others
   * nothing is said.
   */
  private static boolean isBefore(String version, String other) {
    return isNumber(version)
        && isNumber(other)
        && (version.length() != other.length()
            ? version.length() < other.length()
            : version.compareTo(other) < 0);
  }

  private static boolean isNumber(String text) {
    return text.matches("[1-9][0-9]{0,39}");
  }

  private void happened(Event what, WatchEvent event) {
    counts.happened(what);
    counts.told(what, JsonTree.text(event.object(), "metadata", "namespace"));
  }

  private void listAgain(String problem) {
    version = "";
    odd = Restart.ODD_EVENT;
    throw new KubernetesApiException(Failure.BUSY, "watch " + path, problem, null);
  }

  private KubernetesApiException refused(YamlValue.Mapping status) {
    String code = JsonTree.text(status, "code");
    int number = code.matches("[1-5][0-9]{2}") ? Integer.parseInt(code) : 500;
    return new KubernetesApiException(
        KubernetesApi.failure(number),
        "watch " + path,
        "ended with " + number + " " + KubernetesApi.quote(JsonTree.text(status, "message")),
        number,
        RetryAfter.of(JsonTree.text(status, "details", "retryAfterSeconds")));
  }

  private KubernetesApiException broken(IOException e) {
    // Of JSON, without the place in the text, which differs from try to try.
    String problem =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    return new KubernetesApiException(
        Failure.UNREACHABLE, "GET " + path, String.valueOf(problem), e);
  }
}
