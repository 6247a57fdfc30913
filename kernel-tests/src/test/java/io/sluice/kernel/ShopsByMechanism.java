package io.sluice.kernel;

import io.sluice.lab.site.Confinement;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;

/** A shop under each mechanism, for all tests of a class. */
final class ShopsByMechanism implements AutoCloseable {
  private final Map<Mechanism, Shop> shops = new EnumMap<>(Mechanism.class);

  private ShopsByMechanism() {}

  static ShopsByMechanism open() {
    return open(Confinement.NONE);
  }

  /** Under daemons that are started in another way, with further arguments of {@code node run}. */
  static ShopsByMechanism open(Confinement confinement, String... arguments) {
    ShopsByMechanism opened = new ShopsByMechanism();
    try {
      for (Mechanism mechanism : Mechanism.values()) {
        opened.shops.put(mechanism, Shop.open(confinement, mechanism, arguments));
      }
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  Shop of(Mechanism mechanism) {
    return Objects.requireNonNull(shops.get(mechanism));
  }

  /**
   * Takes a step in every shop, whatever became of it in the others, and then fails if it failed in
   * one. A test that goes so from step to step waits for all daemons at once.
   */
  void inEach(BiConsumer<Mechanism, Shop> step) {
    List<AssertionError> failures = new ArrayList<>();
    shops.forEach((mechanism, shop) -> {
      try {
        step.accept(mechanism, shop);
      } catch (RuntimeException | AssertionError e) {
        failures.add(new AssertionError("under " + mechanism + ": " + e.getMessage(), e));
      }
    });
    if (!failures.isEmpty()) {
      AssertionError first = failures.removeFirst();
      failures.forEach(first::addSuppressed);
      throw first;
    }
  }

  @Override
  public void close() {
    shops.values().forEach(Shop::close);
  }
}
