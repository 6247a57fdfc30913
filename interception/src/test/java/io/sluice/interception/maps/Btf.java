package io.sluice.interception.maps;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The types in an object's {@code .BTF} section (Linux' Documentation/bpf/btf.rst). */
final class Btf {
  private static final int HEADER_LENGTH = 4;
  private static final int KIND_INT = 1;
  private static final int KIND_POINTER = 2;
  private static final int KIND_ARRAY = 3;
  private static final int KIND_STRUCT = 4;
  private static final int KIND_UNION = 5;
  private static final int KIND_ENUM = 6;
  private static final int KIND_TYPEDEF = 8;
  private static final int KIND_VOLATILE = 9;
  private static final int KIND_RESTRICT = 11;
  private static final int KIND_VARIABLE = 14;
  private static final int KIND_DATA_SECTION = 15;

  private final ByteBuffer section;
  private final int strings;
  private final List<Type> types = new ArrayList<>();

  /** {@code at}: offset of the fixed part; {@code number}: size or referenced type. */
  private record Type(String name, int kind, int members, int number, int at) {}

  /** One member of a struct: where it is and how many bytes it has. */
  record Member(String name, int offset, int size) {}

  /** One struct. */
  record Struct(String name, int size, List<Member> members) {}

  /** Types of a map's key and value: a struct, or empty for a plain number or none at all. */
  record MapTypes(Optional<Struct> key, Optional<Struct> value) {}

  private Btf(ByteBuffer section) {
    this.section = section;
    int header = section.getInt(HEADER_LENGTH);
    int start = header + section.getInt(8);
    int end = start + section.getInt(12);
    this.strings = header + section.getInt(16);
    types.add(new Type("void", 0, 0, 0, 0));
    for (int at = start; at < end; ) {
      int info = section.getInt(at + 4);
      int kind = (info >>> 24) & 0x1f;
      int members = info & 0xffff;
      types.add(new Type(text(section.getInt(at)), kind, members, section.getInt(at + 8), at));
      at += 12 + trailer(kind, members);
    }
  }

  /** Of an ELF object. */
  static Btf of(byte[] object) {
    ByteBuffer file = ByteBuffer.wrap(object);
    file.order(file.get(5) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int table = (int) file.getLong(40);
    int entrySize = file.getShort(58);
    for (int i = 0; i < file.getShort(60); i++) {
      int header = table + i * entrySize;
      int size = (int) file.getLong(header + 32);
      if (size > 24) {
        ByteBuffer section = file.slice((int) file.getLong(header + 24), size).order(file.order());
        if ((section.getShort(0) & 0xffff) == 0xeb9f && section.getInt(HEADER_LENGTH) == 24) {
          return new Btf(section);
        }
      }
    }
    throw new IllegalArgumentException("the object has no .BTF section");
  }

  private static int trailer(int kind, int members) {
    return switch (kind) {
      case KIND_INT, KIND_VARIABLE, 17 -> 4;
      case KIND_ARRAY -> 12;
      case KIND_STRUCT, KIND_UNION, KIND_DATA_SECTION, 19 -> 12 * members;
      case KIND_ENUM, 13 -> 8 * members;
      default -> 0;
    };
  }

  private String text(int offset) {
    int end = strings + offset;
    while (section.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - strings - offset];
    section.get(strings + offset, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Every struct that has a name. */
  Map<String, Struct> structs() {
    Map<String, Struct> structs = new TreeMap<>();
    types.stream()
        .filter(type -> type.kind == KIND_STRUCT && !type.name.isEmpty())
        .forEach(type -> structs.put(type.name, struct(type)));
    return structs;
  }

  /** Every map, by name. */
  Map<String, MapTypes> maps() {
    Map<String, MapTypes> maps = new TreeMap<>();
    for (Type type : types) {
      if (type.kind == KIND_DATA_SECTION && type.name.equals(".maps")) {
        for (int i = 0; i < type.members; i++) {
          Type variable = types.get(section.getInt(type.at + 12 + 12 * i));
          Type definition = resolve(variable.number);
          maps.put(
              variable.name,
              new MapTypes(pointed(definition, "key"), pointed(definition, "value")));
        }
      }
    }
    return maps;
  }

  /** {@code __type(key, T)} is a member {@code key} that points to T. */
  private Optional<Struct> pointed(Type definition, String member) {
    for (int i = 0; i < definition.members; i++) {
      int at = definition.at + 12 + 12 * i;
      if (text(section.getInt(at)).equals(member)) {
        Type target = resolve(resolve(section.getInt(at + 4)).number);
        return target.kind == KIND_STRUCT ? Optional.of(struct(target)) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  private Struct struct(Type type) {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < type.members; i++) {
      int at = type.at + 12 + 12 * i;
      members.add(
          new Member(
              text(section.getInt(at)),
              section.getInt(at + 8) / 8,
              size(resolve(section.getInt(at + 4)))));
    }
    return new Struct(type.name, type.number, members);
  }

  private int size(Type type) {
    return switch (type.kind) {
      case KIND_INT, KIND_STRUCT, KIND_UNION, KIND_ENUM -> type.number;
      case KIND_POINTER -> 8;
      case KIND_ARRAY -> size(resolve(section.getInt(type.at + 12))) * section.getInt(type.at + 20);
      default -> throw new IllegalArgumentException("no size for BTF kind " + type.kind);
    };
  }

  /** Without typedef, const, volatile and restrict. */
  private Type resolve(int id) {
    Type type = types.get(id);
    return type.kind == KIND_TYPEDEF || (type.kind >= KIND_VOLATILE && type.kind <= KIND_RESTRICT)
        ? resolve(type.number)
        : type;
  }
}
