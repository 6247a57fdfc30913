package io.sluice.interception.maps;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.bpf.CompiledObjects;
import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.MapCatalogue.MapTables;
import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The Java layouts are those of the compiled objects. */
class MapLayoutTest {
  private static final Btf MAPS = Btf.of(CompiledObjects.read(CompiledObjects.MAPS));
  private static final Btf STEERING = Btf.of(InterceptionProgram.SK_LOOKUP.object());

  /** Members that only fill up, by their name in C. */
  private static final Set<String> PADDING = Set.of("pad");

  private static Stream<StructCodec<?>> codecs() {
    return Codecs.ALL.stream();
  }

  @ParameterizedTest
  @MethodSource("codecs")
  void codecHasNameSizeAndMembersOfTheStruct(StructCodec<?> codec) {
    Btf.Struct struct =
        Objects.requireNonNull(structs().get(codec.structName()), codec.structName());

    assertThat(codec.size()).isEqualTo(struct.size());
    assertThat(codec.fields()).containsExactlyElementsOf(fields(struct));
  }

  @Test
  void everyStructInAMapHasACodec() {
    Set<String> known =
        Codecs.ALL.stream().map(StructCodec::structName).collect(Collectors.toSet());

    assertThat(Stream.of(MAPS, STEERING).flatMap(btf -> btf.maps().values().stream()))
        .isNotEmpty()
        .flatExtracting(map -> Stream.concat(map.key().stream(), map.value().stream()).toList())
        .extracting(struct -> ((Btf.Struct) struct).name())
        .isSubsetOf(known);
  }

  @Test
  void mapsThatAreWalkedHaveTheTypesTheyAreReadWith() {
    Map<String, Btf.MapTypes> maps = MAPS.maps();

    assertThat(names(maps, "pods")).containsExactly("pod_key", "pod");
    assertThat(names(maps, "pod_names")).containsExactly("pod_key", "pod_name");
    assertThat(names(maps, "pod_addresses")).containsExactly("pod_address_key");
    assertThat(names(maps, "pod_by_address")).containsExactly("address_key", "pod_key");
    assertThat(names(maps, "range_rules")).containsExactly("range_rule_key");
    assertThat(names(maps, "port_rules")).containsExactly("port_rule_key");
    assertThat(names(maps, "probe_ports")).containsExactly("port_rule_key");
    assertThat(names(maps, "interface_rules")).containsExactly("interface_rule_key");
    assertThat(names(maps, "connections")).containsExactly("connection_key", "connection");
    assertThat(names(maps, "node_connections")).containsExactly("connection_key", "connection");
    assertThat(names(maps, "pod_connections")).containsExactly("pod_key", "pod_connections");
    assertThat(names(maps, "fast_path")).containsExactly("grant_key", "grant");
    assertThat(names(maps, "fast_connections"))
        .containsExactly("connection_key", "fast_connection");
    assertThat(names(maps, "fast_counters")).containsExactly("fast_counter_key", "fast_counts");
    assertThat(names(maps, "fast_told")).containsExactly("fast_counter_key", "fast_counts");
    assertThat(names(maps, "datagram_peers")).containsExactly("address_key", "datagram_peer");
    assertThat(names(maps, "datagram_rules"))
        .containsExactly("datagram_rule_key", "datagram_counts");
    assertThat(names(maps, "verdict_counters")).containsExactly("counter_key");
    assertThat(names(maps, "sockets")).containsExactly("socket_state");
    assertThat(names(maps, "config")).containsExactly("config");
    assertThat(names(maps, "installation")).containsExactly("installation");
  }

  @Test
  void everyMapIsInTheCatalogue() {
    List<String> catalogued =
        new MapTables(Long::toString).all().stream().map(MapTables.Table::name).toList();

    assertThat(catalogued).containsExactlyInAnyOrderElementsOf(MAPS.maps().keySet());
    assertThat(STEERING.maps()).containsKeys(MapCatalogue.LISTENERS, "pod_self");
  }

  private static Map<String, Btf.Struct> structs() {
    Map<String, Btf.Struct> structs = new TreeMap<>(MAPS.structs());
    structs.putAll(STEERING.structs());
    // A ring has no type of value, so the compiler leaves its struct out.
    for (String ring : List.of("event", "fast_record")) {
      structs.put(ring, CHeader.read("sluice_maps.h").struct(ring));
    }
    return structs;
  }

  private static List<Field> fields(Btf.Struct struct) {
    return struct.members().stream()
        .filter(member -> !PADDING.contains(member.name()))
        .map(member -> new Field(member.name(), member.offset(), member.size()))
        .toList();
  }

  private static List<String> names(Map<String, Btf.MapTypes> maps, String map) {
    Btf.MapTypes types = Objects.requireNonNull(maps.get(map), map);
    return Stream.concat(types.key().stream(), types.value().stream())
        .map(Btf.Struct::name)
        .toList();
  }
}
