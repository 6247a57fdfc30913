package io.sluice.kernel;

import io.sluice.lab.site.AtOnce;
import io.sluice.lab.site.Confinement;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * A shop under each mechanism that is {@linkplain Mechanism#tried tried}, for all tests of a class.
 */
final class ShopsByMechanism implements AutoCloseable {
  private final Map<Mechanism, Shop> shops = new EnumMap<>(Mechanism.class);

  private ShopsByMechanism() {}

  /** {@linkplain Shop#lent Lent} ones. */
  static ShopsByMechanism lent() {
    return of(Shop::lent);
  }

  /** Under daemons that are started in another way, with further arguments of {@code node run}. */
  static ShopsByMechanism open(Confinement confinement, String... arguments) {
    return of(mechanism -> Shop.open(confinement, mechanism, arguments));
  }

  private static ShopsByMechanism of(Function<Mechanism, Shop> source) {
    ShopsByMechanism opened = new ShopsByMechanism();
    try {
      Mechanism.tried().forEach(mechanism -> opened.shops.put(mechanism, source.apply(mechanism)));
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  Shop of(Mechanism mechanism) {
    return Objects.requireNonNull(shops.get(mechanism));
  }

  /** Takes a step in every shop at once, and then fails if it failed in one. */
  void inEach(BiConsumer<Mechanism, Shop> step) {
    try {
      AtOnce.forEach(
          List.copyOf(shops.keySet()), mechanism -> step.accept(mechanism, of(mechanism)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    shops.values().forEach(Shop::close);
  }
}
