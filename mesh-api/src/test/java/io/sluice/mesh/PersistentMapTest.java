package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PersistentMapTest {
  /** A key of which many have the same hash code, as addresses may. */
  private record Key(int number, int hash) {
    @Override
    public int hashCode() {
      return hash;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 1_000_000})
  void isTheMapThatTheSameChangesMakeOfAHashMap(int hashes) {
    Random random = new Random(hashes);
    Map<Key, Integer> expected = new HashMap<>();
    PersistentMap<Key, Integer> map = PersistentMap.empty();

    for (int step = 0; step < 1_000; step++) {
      int number = random.nextInt(300);
      Key key = new Key(number, number % hashes);
      Map<Key, Integer> before = new HashMap<>(expected);
      PersistentMap<Key, Integer> earlier = map;
      if (random.nextInt(5) < 2 + step / 500) {
        expected.remove(key);
        map = map.without(key);
      } else {
        expected.put(key, step);
        map = map.with(key, step);
      }
      assertThat(map.get(key)).isEqualTo(expected.get(key));
      if (step % 50 == 0) {
        assertThat(map).isEqualTo(expected).hasSameSizeAs(map.entrySet());
        assertThat(new HashMap<>(map)).isEqualTo(expected);
        assertThat(earlier).isEqualTo(before);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 40, 1_000_000})
  void findsEveryKeyThatDiffersBetweenAnyTwoVersionsAndNoOther(int hashes) {
    Random random = new Random(hashes);
    List<PersistentMap<Key, Object>> versions = new ArrayList<>();
    PersistentMap<Key, Object> map = PersistentMap.empty();
    for (int step = 0; step < 600; step++) {
      versions.add(map);
      for (int change = random.nextInt(4); change >= 0; change--) {
        int number = random.nextInt(120);
        Key key = new Key(number, number % hashes);
        map = random.nextInt(5) < 2 ? map.without(key) : map.with(key, new Object());
      }
      PersistentMap<Key, Object> earlier = versions.get(random.nextInt(versions.size()));

      assertThat(map.differingKeys(earlier)).isEqualTo(differing(map, earlier));
      assertThat(earlier.differingKeys(map)).isEqualTo(differing(map, earlier));
      assertThat(map.differingKeys(PersistentMap.copyOf(map))).isEmpty();
    }
  }

  private static Set<Key> differing(Map<Key, Object> one, Map<Key, Object> other) {
    Set<Key> keys = new HashSet<>(one.keySet());
    keys.addAll(other.keySet());
    keys.removeIf(key -> one.get(key) == other.get(key));
    return keys;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 1_000_000})
  void endsWhereItBeganWhenEverythingIsTakenOut(int hashes) {
    PersistentMap<Key, String> map = PersistentMap.empty();
    for (int i = 0; i < 200; i++) {
      map = map.with(new Key(i, i % hashes), "value");
    }
    for (int i = 0; i < 200; i++) {
      map = map.without(new Key(i, i % hashes));
    }

    assertThat(map).isEmpty();
    assertThat(map.entrySet()).isEmpty();
    assertThat(map.without(new Key(1, 1))).isSameAs(map);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1_000_000})
  void cannotBeChanged(int hashes) {
    Key key = new Key(5, 5 % hashes);
    PersistentMap<Key, String> map = PersistentMap.<Key, String>empty().with(key, "value");

    assertThatThrownBy(() -> map.put(key, "other"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> map.remove(key)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> map.values().clear())
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(map.with(key, "value")).isEqualTo(map);
  }
}
