package io.sluice.proxy.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Hashes;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.proxy.admission.Remembered.Taken;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a pod takes in a time, which is the test's own. */
class PodLimitsTest {
  private static final NamespacedName WEB = new NamespacedName("shop", "web");
  private static final InetSocketAddress ENDPOINT =
      new InetSocketAddress(InetAddress.ofLiteral("10.0.0.1"), 8080);

  /** By which the limit of the path "/a" is called between one daemon and the next. */
  private static final String A =
      "path "
          + HexFormat.of().toHexDigits(Hashes.mixed(Hashes.of(Hashes.START, "/a".getBytes(UTF_8))));

  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final AtomicLong now = new AtomicLong(-5);
  private PodLimits limits = new PodLimits(now::get);
  private long revision = 1;

  private record Get(String path) implements HttpRequest {
    @Override
    public String method() {
      return "GET";
    }

    @Override
    public String authority() {
      return "web";
    }

    @Override
    public @Nullable String header(String name) {
      return null;
    }
  }

  private static Rate rate(int amount, int seconds, int burst) {
    return new Rate(amount, Duration.ofSeconds(seconds), burst);
  }

  private static RequestLimit requests(Rate rate) {
    return new RequestLimit(rate, 429, List.of());
  }

  private static UpstreamSetting setting(NamespacedName service, Limits said) {
    return new UpstreamSetting(service, service, Pool.NONE, null, said);
  }

  private PodLimits.@Nullable Arrivals at(UpstreamSetting... settings) {
    SnapshotEditor editor = MeshSnapshot.EMPTY.edit();
    for (UpstreamSetting setting : settings) {
      editor.put(setting);
      editor.put(
          new Service(
              setting.service(),
              List.of(),
              List.of(
                  new ServicePort(
                      "http", 80, AppProtocol.HTTP, List.of(new Endpoint(ENDPOINT, true))))));
    }
    return limits.at(editor.snapshot(revision++), ENDPOINT);
  }

  private PodLimits.Arrivals arrivals(UpstreamSetting... settings) {
    return Objects.requireNonNull(at(settings));
  }

  private static long taken(PodLimits.Arrivals arrivals, String path, int tries) {
    return IntStream.range(0, tries).filter(_ -> arrivals.refuses(new Get(path)) == null).count();
  }

  @Test
  void aUnitsAmountAndTheBurstPassAtOnceAndThenAsTheTimeGoes() {
    var arrivals = arrivals(setting(WEB, new Limits(null, 0, requests(rate(4, 60, 2)), List.of())));

    assertThat(taken(arrivals, "/", 10)).isEqualTo(6);
    now.addAndGet(15 * SECOND - 1);
    assertThat(taken(arrivals, "/", 2)).isZero();
    now.addAndGet(1);
    assertThat(taken(arrivals, "/", 2)).isEqualTo(1);
    now.addAndGet(3_600 * SECOND);
    assertThat(taken(arrivals, "/", 10)).isEqualTo(6);
  }

  @Test
  void aRoutesLimitIsInThePlaceOfThatOfAll() {
    var arrivals =
        arrivals(
            setting(
                WEB,
                new Limits(
                    null,
                    0,
                    requests(rate(1, 60, 0)),
                    List.of(
                        new RouteLimit(Regex.of("/a.*"), requests(rate(3, 60, 0)), List.of()),
                        new RouteLimit(Regex.of("/ab"), requests(rate(9, 60, 0)), List.of())))));

    assertThat(taken(arrivals, "/ab", 10)).isEqualTo(3);
    assertThat(taken(arrivals, "/a", 10)).isZero();
    assertThat(taken(arrivals, "/b", 10)).isEqualTo(1);
  }

  @Test
  void whatWasTakenStaysCountedWhereTheLimitIsTheSame() {
    RequestLimit one = requests(rate(1, 60, 0));
    RouteLimit route = new RouteLimit(Regex.of("/a"), one, List.of());
    assertThat(taken(arrivals(setting(WEB, new Limits(null, 0, one, List.of(route)))), "/a", 2))
        .isEqualTo(1);

    var changed =
        arrivals(
            setting(WEB, new Limits(rate(1, 1, 0), 7, requests(rate(2, 60, 0)), List.of(route))),
            setting(new NamespacedName("shop", "other"), Limits.NONE));
    assertThat(taken(changed, "/a", 2)).isZero();
    assertThat(taken(changed, "/b", 4)).isEqualTo(2);

    assertThat(at()).isNull();
    assertThat(taken(arrivals(setting(WEB, new Limits(null, 0, one, List.of(route)))), "/a", 2))
        .as("forgotten with the setting")
        .isEqualTo(1);
  }

  @Test
  void anotherAnswerIsNotAnotherLimit() {
    RequestLimit one = requests(rate(1, 60, 0));
    RequestLimit otherwise = new RequestLimit(one.rate(), 503, List.of());
    Regex path = Regex.of("/a");
    var before =
        arrivals(
            setting(WEB, new Limits(null, 0, one, List.of(new RouteLimit(path, one, List.of())))));
    assertThat(taken(before, "/a", 1) + taken(before, "/b", 1)).isEqualTo(2);

    var after =
        arrivals(
            setting(
                WEB,
                new Limits(
                    null, 0, otherwise, List.of(new RouteLimit(path, otherwise, List.of())))));
    assertThat(after.refuses(new Get("/a"))).isEqualTo(new PodLimits.Beyond(WEB, otherwise));
    assertThat(after.refuses(new Get("/b"))).isEqualTo(new PodLimits.Beyond(WEB, otherwise));
  }

  @Test
  void whoFollowsGoesOnWithWhatWasTaken() {
    RequestLimit two = requests(rate(2, 60, 0));
    UpstreamSetting said =
        setting(
            WEB,
            new Limits(
                rate(1, 60, 0), 0, two, List.of(new RouteLimit(Regex.of("/a"), two, List.of()))));
    var before = arrivals(said);
    assertThat(taken(before, "/b", 2)).isEqualTo(2);
    assertThat(taken(before, "/a", 1)).isEqualTo(1);
    assertThat(before.refusesConnection()).isNull();
    now.addAndGet(15 * SECOND);
    List<Taken> told = limits.taken(WEB);
    assertThat(told)
        .containsExactlyInAnyOrder(
            new Taken(WEB, WEB, "connections", Duration.ofSeconds(45)),
            new Taken(WEB, WEB, "requests", Duration.ofSeconds(45)),
            new Taken(WEB, WEB, A, Duration.ofSeconds(15)));
    assertThat(A).as("it is short, whatever the path").matches("path [0-9a-f]{16}");

    now.set(77 * SECOND);
    PodLimits next = new PodLimits(now::get);
    SnapshotEditor editor = MeshSnapshot.EMPTY.edit();
    editor.put(said);
    MeshSnapshot snapshot = editor.snapshot(revision++);
    told.forEach(each -> next.recall(snapshot, each));
    next.recall(snapshot, new Taken(WEB, WEB, "path 0000000000000000", Duration.ofHours(1)));
    next.recall(
        snapshot,
        new Taken(WEB, new NamespacedName("shop", "no"), "requests", Duration.ofHours(1)));
    assertThat(next.taken(WEB)).containsExactlyInAnyOrderElementsOf(told);
    next.recall(snapshot, new Taken(WEB, WEB, A, Duration.ofDays(9)));
    assertThat(next.taken(WEB))
        .as("no emptier than empty")
        .contains(new Taken(WEB, WEB, A, Duration.ofSeconds(60)));

    limits = next;
    var after = arrivals(said);
    assertThat(taken(after, "/b", 2)).isZero();
    now.addAndGet(15 * SECOND);
    assertThat(taken(after, "/b", 2)).isEqualTo(1);
    assertThat(after.refusesConnection()).isEqualTo(WEB);
  }

  @Test
  void everyServiceThatLeadsThereCounts() {
    NamespacedName all = new NamespacedName("shop", "all");
    var arrivals =
        arrivals(
            setting(WEB, new Limits(rate(2, 60, 0), 0, null, List.of())),
            setting(all, new Limits(rate(1, 60, 0), 0, null, List.of())));

    assertThat(arrivals.refusesConnection()).isNull();
    assertThat(arrivals.refusesConnection()).isEqualTo(all);
  }

  @Test
  void bytesArePaidForByWaiting() {
    var arrivals = arrivals(setting(WEB, new Limits(null, 1_000_000, null, List.of())));
    ByteRate rate = Objects.requireNonNull(arrivals.bytes(true));

    assertThat(rate.pay(125_000, now.get())).isEqualTo(SECOND);
    assertThat(rate.pay(125_000, now.get())).isEqualTo(2 * SECOND);
    rate.giveBack(125_000);
    assertThat(rate.pay(125_000, now.get())).as("who gave up owes nothing").isEqualTo(2 * SECOND);
    now.addAndGet(5 * SECOND);
    assertThat(rate.pay(125_000, now.get())).as("a quarter is owed").isEqualTo(SECOND * 3 / 4);
    assertThat(arrivals.bytes(false)).isNotSameAs(rate);
  }

  /** On a loop that is up to 200 ms late with everything. */
  @Test
  void aTransferIsAsFastAsIsSaidThoughItIsWokenLate() {
    long bits = 1_000_000;
    long bytes = 10 * bits / 8;
    Random random = new Random(7);
    var arrivals = arrivals(setting(WEB, new Limits(null, bits, null, List.of())));
    ByteRate rate = Objects.requireNonNull(arrivals.bytes(true));
    long begin = now.get();

    for (long left = bytes; left > 0; left -= rate.pieceBytes()) {
      long wait = rate.pay((int) Math.min(left, rate.pieceBytes()), now.get());
      now.addAndGet(wait == 0 ? 0 : wait + random.nextLong(SECOND / 5));
    }

    assertThat((now.get() - begin) / (double) SECOND).isBetween(9.5, 10.5);
  }
}
