package io.sluice.control.xds.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.xds.StoreMesh;
import io.sluice.control.xds.stream.Subscription.Answer;
import io.sluice.control.xds.stream.Variant.Ask;
import io.sluice.control.xds.stream.Variant.Ask.Wish;
import io.sluice.control.xds.stream.Variant.Batch;
import io.sluice.control.xds.translate.Catalogue;
import io.sluice.control.xds.translate.Translation;
import io.sluice.control.xds.translate.Translation.Asker;
import io.sluice.control.xds.translate.XdsResource;
import io.sluice.control.xds.translate.XdsType;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a client is told of one type, request by request. */
class SubscriptionTest {
  private static final boolean INCREMENTAL = true;
  private static final String STORE = StoreMesh.NAME;
  private static final String NOBODY = "nobody.shop.svc.cluster.local:80";

  private final StoreMesh mesh =
      new StoreMesh(IpAddresses.parse("10.0.0.3"), AppProtocol.GRPC).behind(8080);
  private int nonces;

  private Catalogue catalogue() {
    return new Translation(mesh.snapshot(), List.of(), Set.of(TrustDomain.CLUSTER_LOCAL))
        .of(new Asker(new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "buyer"), ""));
  }

  private Optional<Batch> next(Subscription subscription) {
    return subscription.next(catalogue(), true, "n" + ++nonces);
  }

  private static Answer ask(Subscription to, String nonce, String... names) {
    return to.take(
        new Ask("", Optional.empty(), nonce, Optional.empty(), new Wish.Exactly(List.of(names))));
  }

  private static Answer refuse(Subscription to, String nonce, String why, String... names) {
    return to.take(
        new Ask("", Optional.empty(), nonce, Optional.of(why), new Wish.Exactly(List.of(names))));
  }

  private static Answer change(
      Subscription to, String nonce, List<String> added, List<String> removed) {
    return to.take(
        new Ask(
            "",
            Optional.empty(),
            nonce,
            Optional.empty(),
            new Wish.Change(added, removed, Map.of())));
  }

  private static List<String> names(Batch batch) {
    return batch.resources().stream().map(XdsResource::name).toList();
  }

  /** What it goes on saying would be kept as long as it stays. */
  @Test
  void whatAClientSaysItHoldsCountsInItsFirstRequestAlone() {
    Subscription all = new Subscription(XdsType.CLUSTER, INCREMENTAL);
    hold(all, Map.of("gone", "1".repeat(60_000), "left", "1"), "*");
    hold(all, Map.of("more", "1"));

    assertThat(next(all).orElseThrow().removed()).containsExactly("gone", "left");
  }

  private static void hold(Subscription of, Map<String, String> held, String... names) {
    of.take(
        new Ask(
            "",
            Optional.empty(),
            "",
            Optional.empty(),
            new Wish.Change(List.of(names), List.of(), held)));
  }

  @Test
  void nothingIsToldTwiceAndEveryChangeOnceTheFormerIsAnswered() {
    Subscription endpoints = new Subscription(XdsType.ENDPOINT, false);
    ask(endpoints, "", STORE);
    Batch first = next(endpoints).orElseThrow();
    assertThat(names(first)).containsExactly(STORE);
    assertThat(endpoints.isAnswered()).isFalse();

    assertThat(ask(endpoints, first.nonce(), STORE)).isEqualTo(Answer.TAKEN);
    assertThat(next(endpoints)).isEmpty();
    mesh.behind(8080, 8081);
    Batch second = next(endpoints).orElseThrow();

    assertThat(second.version()).isNotEqualTo(first.version());
    assertThat(endpoints.state().version()).isEqualTo(first.version());
    assertThat(ask(endpoints, second.nonce(), STORE)).isEqualTo(Answer.TAKEN);
    assertThat(endpoints.state().version()).isEqualTo(second.version());
  }

  @Test
  void whatAClientCannotUseIsNotSentAgainUntilItChanges() {
    Subscription endpoints = new Subscription(XdsType.ENDPOINT, false);
    ask(endpoints, "", STORE);
    Batch first = next(endpoints).orElseThrow();

    assertThat(refuse(endpoints, first.nonce(), "no\nsuch field", STORE)).isEqualTo(Answer.REFUSED);

    assertThat(endpoints.state().problem())
        .isEqualTo("version " + first.version() + ": no\\nsuch field");
    assertThat(endpoints.state().version()).isEmpty();
    assertThat(next(endpoints)).isEmpty();
    mesh.behind(8081);
    Batch second = next(endpoints).orElseThrow();
    ask(endpoints, second.nonce(), STORE);
    assertThat(endpoints.state().problem()).isEmpty();
  }

  @Test
  void absenceOfAListenerIsToldByAResponseWithoutIt() {
    Subscription listeners = new Subscription(XdsType.LISTENER, false);
    ask(listeners, "", STORE, NOBODY);
    Batch both = next(listeners).orElseThrow();
    ask(listeners, both.nonce(), STORE, NOBODY);

    mesh.granted(false);
    Batch none = next(listeners).orElseThrow();

    assertThat(names(both)).containsExactly(STORE);
    assertThat(names(none)).isEmpty();
  }

  @Test
  void absenceOfEndpointsIsToldByTheirCluster() {
    Subscription endpoints = new Subscription(XdsType.ENDPOINT, false);
    ask(endpoints, "", NOBODY);

    assertThat(next(endpoints)).isEmpty();
  }

  @Test
  void nothingIsToldToBeMissingBeforeTheRegistryWasReadAsAWhole() {
    Subscription listeners = new Subscription(XdsType.LISTENER, false);
    ask(listeners, "", STORE, NOBODY);
    Subscription all = new Subscription(XdsType.CLUSTER, false);
    ask(all, "");
    Subscription incremental = new Subscription(XdsType.LISTENER, INCREMENTAL);
    change(incremental, "", List.of(STORE, NOBODY), List.of());

    assertThat(listeners.next(catalogue(), false, "a")).isEmpty();
    assertThat(all.next(catalogue(), false, "b")).isEmpty();
    Batch told = incremental.next(catalogue(), false, "c").orElseThrow();

    assertThat(names(told)).containsExactly(STORE);
    assertThat(told.removed()).isEmpty();
  }

  @Test
  void clientThatWantedNothingWhileAResponseWasOnItsWayIsToldAnew() {
    Subscription routes = new Subscription(XdsType.ROUTE, false);
    ask(routes, "", STORE);
    Batch first = next(routes).orElseThrow();
    ask(routes, first.nonce(), STORE);
    mesh.granted(false);
    next(routes);
    mesh.granted(true);
    Batch unseen = next(routes).orElseThrow();

    ask(routes, first.nonce());
    assertThat(next(routes)).isEmpty();
    ask(routes, first.nonce(), STORE);
    Batch again = next(routes).orElseThrow();

    assertThat(names(unseen)).containsExactly(STORE);
    assertThat(names(again)).containsExactly(STORE);
  }

  @Test
  void clientThatNamesNoClusterIsToldOfAll() {
    Subscription clusters = new Subscription(XdsType.CLUSTER, false);
    ask(clusters, "");
    Batch all = next(clusters).orElseThrow();
    ask(clusters, all.nonce());
    mesh.granted(false);

    assertThat(names(all)).containsExactly(STORE);
    assertThat(names(next(clusters).orElseThrow())).isEmpty();
    assertThat(clusters.state().wanted()).isEqualTo("all");
    assertThat(clusters.state().told()).isZero();
  }

  @Test
  void firstResponseToOneWhoWantsAllComesAlsoWhereThereIsNothing() {
    mesh.granted(false);
    Subscription clusters = new Subscription(XdsType.CLUSTER, INCREMENTAL);
    change(clusters, "", List.of("*"), List.of());

    Batch none = next(clusters).orElseThrow();

    assertThat(none.resources()).isEmpty();
    assertThat(none.removed()).isEmpty();
  }

  @Test
  void incrementalClientIsToldOfEndsByName() {
    Subscription clusters = new Subscription(XdsType.CLUSTER, INCREMENTAL);
    change(clusters, "", List.of(STORE), List.of());
    Batch first = next(clusters).orElseThrow();
    change(clusters, first.nonce(), List.of(), List.of());
    mesh.granted(false);

    Batch end = next(clusters).orElseThrow();

    assertThat(end.removed()).containsExactly(STORE);
    assertThat(end.resources()).isEmpty();
  }

  @Test
  void incrementalClientThatComesAgainIsToldTheDifference() {
    Subscription former = new Subscription(XdsType.ENDPOINT, INCREMENTAL);
    change(former, "", List.of(STORE), List.of());
    XdsResource held = next(former).orElseThrow().resources().getFirst();
    Wish again =
        new Wish.Change(
            List.of(STORE, NOBODY), List.of(), Map.of(STORE, held.version(), NOBODY, "old"));
    Subscription present = new Subscription(XdsType.ENDPOINT, INCREMENTAL);
    present.take(new Ask("", Optional.empty(), "", Optional.empty(), again));

    Batch difference = next(present).orElseThrow();

    assertThat(difference.resources()).isEmpty();
    assertThat(difference.removed()).containsExactly(NOBODY);
  }

  @Test
  void clientThatNamesTooManyIsRefused() {
    Subscription listeners = new Subscription(XdsType.LISTENER, false);
    String[] names =
        IntStream.rangeClosed(0, Subscription.Names.MOST)
            .mapToObj(i -> "s" + i + ".shop:80")
            .toArray(String[]::new);

    assertThatThrownBy(() -> ask(listeners, "", names))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.reason()).isEqualTo(RefusalReason.TOO_MUCH_ASKED));
  }
}
