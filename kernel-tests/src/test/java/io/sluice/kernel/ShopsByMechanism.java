package io.sluice.kernel;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** A shop under each mechanism, for all tests of a class. */
final class ShopsByMechanism implements AutoCloseable {
  private final Map<Mechanism, Shop> shops = new EnumMap<>(Mechanism.class);

  private ShopsByMechanism() {}

  static ShopsByMechanism open() {
    ShopsByMechanism opened = new ShopsByMechanism();
    try {
      for (Mechanism mechanism : Mechanism.values()) {
        opened.shops.put(mechanism, Shop.open(mechanism));
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

  @Override
  public void close() {
    shops.values().forEach(Shop::close);
  }
}
