/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.c - see elf.h.
 *
 * Two kinds of address occur: file offsets (program and section headers,
 * notes), checked by in_file, and virtual addresses (everything the dynamic
 * section points to), turned into bytes of the file by locate.  Headers are
 * copied out with memcpy, since nothing says that they are aligned.  Work is
 * linear in the size of the file. */
#include "plug/elf.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "plug/why.h"

#if defined __x86_64__
#define HOST_MACHINE EM_X86_64
#elif defined __aarch64__
#define HOST_MACHINE EM_AARCH64
#elif defined __riscv
#define HOST_MACHINE EM_RISCV
#elif defined __powerpc64__
#define HOST_MACHINE EM_PPC64
#elif defined __s390x__
#define HOST_MACHINE EM_S390
#else
#error "name this machine's ELF number here"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_DATA ELFDATA2LSB
#else
#define HOST_DATA ELFDATA2MSB
#endif

#define NOTE_SECTION ".note.etude"
#define ENTRY_SYMBOL "et_plugins_v1"
#define NAME_MAX_LEN 4096u
#define MAX_SEGMENTS 256u /* linkers make about ten */
#define NOTE_PREFIX_LEN offsetof(et_note, major)

struct view { /* the file, and what of it was found */
    const unsigned char *p;
    uint64_t n;
    Elf64_Ehdr eh;
    Elf64_Phdr dynamic; /* p_type == PT_NULL: none */
    struct elf_info *out;
    et_err *e;
};

struct dynamic { /* virtual addresses, 0: absent */
    uint64_t strtab, strsz, symtab, gnu_hash, hash;
    uint64_t soname, rpath, runpath; /* offsets in strtab; 0: absent */
};

/* clang-format off */
static const struct { uint16_t number; const char *name; } machines[] = {
    { EM_386, "i386" },       { EM_ARM, "arm" },     { EM_X86_64, "x86-64" },
    { EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" }, { EM_PPC64, "ppc64" },
    { EM_S390, "s390x" },
};
/* clang-format on */

static int
truncated(struct view *v, const char *what, uint64_t reach)
{
    return why_set(v->e,
                   "file is %llu bytes but its %s reach %llu: it is truncated "
                   "or still being copied",
                   (unsigned long long)v->n, what, (unsigned long long)reach);
}

static int
in_file(const struct view *v, uint64_t off, uint64_t len)
{
    return off <= v->n && len <= v->n - off;
}

/* a + b, or the largest number there is. */
static uint64_t
sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static const char *
machine_name(uint16_t number, char buf[32])
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (machines[i].number == number)
            return machines[i].name;
    snprintf(buf, 32, "machine %u", (unsigned)number);
    return buf;
}

static Elf64_Phdr
phdr(const struct view *v, unsigned i)
{
    Elf64_Phdr ph;

    memcpy(&ph, v->p + v->eh.e_phoff + (uint64_t)i * sizeof ph, sizeof ph);
    return ph;
}

static Elf64_Shdr
shdr(const struct view *v, unsigned i)
{
    Elf64_Shdr sh;

    memcpy(&sh, v->p + v->eh.e_shoff + (uint64_t)i * sizeof sh, sizeof sh);
    return sh;
}

/* ---- the header -----------------------------------------------------------*/

static int
check_ident(struct view *v)
{
    if (v->n == 0)
        return why_set(v->e, "is empty");
    if (v->n < SELFMAG || memcmp(v->p, ELFMAG, SELFMAG) != 0)
        return why_set(v->e, "is not an ELF shared object");
    if (v->n < sizeof v->eh)
        return truncated(v, "ELF header must", sizeof v->eh);
    memcpy(&v->eh, v->p, sizeof v->eh);
    if (v->eh.e_ident[EI_CLASS] != ELFCLASS64)
        return why_set(v->e, "is not a 64-bit shared object");
    if (v->eh.e_ident[EI_DATA] != HOST_DATA)
        return why_set(v->e, "has the other byte order");
    return 0;
}

static int
check_machine(struct view *v)
{
    char theirs[32], ours[32];

    if (v->eh.e_machine == HOST_MACHINE)
        return 0;
    return why_set(v->e, "is for %s, this server is %s",
                   machine_name(v->eh.e_machine, theirs),
                   machine_name(HOST_MACHINE, ours));
}

static int
check_type(struct view *v)
{
    if (v->eh.e_type == ET_DYN)
        return 0;
    if (v->eh.e_type == ET_REL)
        return why_set(v->e, "is an object file: link it with cc -shared");
    return why_set(v->e, "is not a shared object (ELF type %u)",
                   (unsigned)v->eh.e_type);
}

static int
check_tables(struct view *v)
{
    const Elf64_Ehdr *eh = &v->eh;
    uint64_t end;

    if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 ||
        eh->e_phnum > MAX_SEGMENTS)
        return why_set(v->e, "is damaged: no usable program headers");
    end = sum(eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr));
    if (end > v->n)
        return truncated(v, "program header table must", end);
    return 0;
}

/* The loader reads none of them.  Linkers put them at the end of the file, so a
 * file that has its size before its content shows it here: as zeros. */
static int
check_sections(struct view *v)
{
    const Elf64_Ehdr *eh = &v->eh;
    uint64_t end;

    if (eh->e_shoff == 0 || eh->e_shnum == 0)
        return 0;
    end = sum(eh->e_shoff, (uint64_t)eh->e_shnum * eh->e_shentsize);
    if (end > v->n)
        return truncated(v, "section headers", end);
    if (eh->e_shentsize != sizeof(Elf64_Shdr))
        return why_set(v->e, "is damaged: no usable section headers");
    for (unsigned i = 1; i < eh->e_shnum; i++)
        if (shdr(v, i).sh_type == SHT_NULL)
            return why_set(v->e,
                           "has its full size but section header %u of %u is "
                           "empty: it looks half copied",
                           i, (unsigned)eh->e_shnum - 1);
    if (eh->e_shstrndx >= eh->e_shnum ||
        shdr(v, eh->e_shstrndx).sh_type != SHT_STRTAB)
        return why_set(v->e, "is damaged: no usable section headers");
    return 0;
}

/* ---- segments -------------------------------------------------------------*/

/* Segments the kernel and the loader would map as asked: sizes in order,
 * ascending, none over another. */
static int
check_load(struct view *v, const Elf64_Phdr *ph, uint64_t *floor)
{
    if (ph->p_memsz < ph->p_filesz || sum(ph->p_vaddr, ph->p_memsz) > INT64_MAX)
        return why_set(v->e, "is damaged: a segment's sizes contradict");
    if (ph->p_vaddr < *floor)
        return why_set(v->e, "is damaged: its segments overlap");
    *floor = ph->p_vaddr + ph->p_memsz;
    return 0;
}

static int
check_loads(struct view *v)
{
    uint64_t reach = 0, floor = 0;
    unsigned n = 0;
    int rc;

    for (unsigned i = 0; i < v->eh.e_phnum; i++) {
        Elf64_Phdr ph = phdr(v, i);

        if (ph.p_type != PT_LOAD)
            continue;
        n++;
        rc = check_load(v, &ph, &floor);
        if (rc < 0)
            return rc;
        if (sum(ph.p_offset, ph.p_filesz) > reach)
            reach = sum(ph.p_offset, ph.p_filesz);
    }
    if (n == 0)
        return why_set(v->e, "is damaged: nothing of it is to be loaded");
    return reach > v->n ? truncated(v, "program headers", reach) : 0;
}

/* The bytes of the file at a virtual address; *avail of them up to the end of
 * the segment's part in the file.  NULL: in no segment. */
static const unsigned char *
locate(const struct view *v, uint64_t vaddr, uint64_t *avail)
{
    for (unsigned i = 0; i < v->eh.e_phnum; i++) {
        Elf64_Phdr ph = phdr(v, i);

        if (ph.p_type != PT_LOAD || vaddr < ph.p_vaddr ||
            vaddr - ph.p_vaddr >= ph.p_filesz)
            continue;
        *avail = ph.p_filesz - (vaddr - ph.p_vaddr);
        return v->p + ph.p_offset + (vaddr - ph.p_vaddr);
    }
    *avail = 0;
    return NULL;
}

/* ---- notes ----------------------------------------------------------------*/

static int
is_note_text(const char *s, size_t cap)
{
    size_t n = strnlen(s, cap);

    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~' || strchr("\"'\\%", s[i]) != NULL)
            return 0;
    return n > 0 && n < cap;
}

static int
take_etude_note(struct view *v, const unsigned char *desc, uint64_t len)
{
    et_note *note = &v->out->note;
    uint64_t max = sizeof *note - NOTE_PREFIX_LEN;
    int is_text;

    if (v->out->flags & ELF_HAS_NOTE)
        return why_set(v->e, "has two Etude notes: one plugin a file");
    v->out->flags |= ELF_HAS_NOTE;
    memcpy((char *)note + NOTE_PREFIX_LEN, desc, len < max ? len : max);
    is_text = is_note_text(note->id, sizeof note->id) &&
              is_note_text(note->version, sizeof note->version);
    if (is_text)
        return 0;
    if (note->major == ET_ABI_MAJOR)
        return why_set(v->e,
                       "has a malformed Etude note: its id and version must "
                       "be short printable words");
    note->id[0] = note->version[0] = '\0'; /* another layout, perhaps */
    return 0;
}

static int
take_note(struct view *v, const Elf64_Nhdr *nh, const unsigned char *name,
          const unsigned char *desc)
{
    struct elf_info *out = v->out;

    if (nh->n_namesz == sizeof ET_NOTE_NAME && nh->n_type == ET_NOTE_TYPE &&
        memcmp(name, ET_NOTE_NAME, sizeof ET_NOTE_NAME) == 0)
        return take_etude_note(v, desc, nh->n_descsz);
    if (nh->n_namesz == sizeof ELF_NOTE_GNU && nh->n_type == NT_GNU_BUILD_ID &&
        memcmp(name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 &&
        nh->n_descsz <= ELF_BUILD_ID_MAX) {
        memcpy(out->build_id, desc, nh->n_descsz);
        out->build_id_len = nh->n_descsz;
    }
    return 0;
}

/* Walk notes that begin at off; what does not fit ends the walk. */
static int
read_notes(struct view *v, uint64_t off, uint64_t len, uint64_t align)
{
    const unsigned char *p = v->p + off;

    while (len >= sizeof(Elf64_Nhdr)) {
        uint64_t desc_off, end;
        Elf64_Nhdr nh;
        int rc;

        memcpy(&nh, p, sizeof nh);
        desc_off = (sizeof nh + nh.n_namesz + align - 1) & ~(align - 1);
        end = desc_off + nh.n_descsz;
        if (end > len)
            return 0;
        rc = take_note(v, &nh, p + sizeof nh, p + desc_off);
        if (rc < 0)
            return rc;
        end = (end + align - 1) & ~(align - 1);
        if (end > len)
            return 0;
        p += end;
        len -= end;
    }
    return 0;
}

static int
read_note_segments(struct view *v)
{
    for (unsigned i = 0; i < v->eh.e_phnum; i++) {
        Elf64_Phdr ph = phdr(v, i);
        int rc;

        if (ph.p_type != PT_NOTE)
            continue;
        if (!in_file(v, ph.p_offset, ph.p_filesz))
            return truncated(v, "notes", sum(ph.p_offset, ph.p_filesz));
        rc = read_notes(v, ph.p_offset, ph.p_filesz, ph.p_align == 8 ? 8 : 4);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* For a linker script that puts the note into no PT_NOTE: find it by its
 * section's name. */
static int
read_note_section(struct view *v)
{
    Elf64_Shdr names, sh;

    if (v->eh.e_shoff == 0 || v->eh.e_shnum == 0)
        return 0;
    names = shdr(v, v->eh.e_shstrndx);
    if (!in_file(v, names.sh_offset, names.sh_size))
        return 0;
    for (unsigned i = 0; i < v->eh.e_shnum; i++) {
        sh = shdr(v, i);
        if (sh.sh_type == SHT_NOBITS || sh.sh_name >= names.sh_size ||
            names.sh_size - sh.sh_name < sizeof NOTE_SECTION ||
            memcmp(v->p + names.sh_offset + sh.sh_name, NOTE_SECTION,
                   sizeof NOTE_SECTION) != 0 ||
            !in_file(v, sh.sh_offset, sh.sh_size))
            continue;
        return read_notes(v, sh.sh_offset, sh.sh_size, 4);
    }
    return 0;
}

/* ---- the dynamic section --------------------------------------------------*/

/* What is known from the program headers alone. */
static void
read_segment_flags(struct view *v)
{
    int has_stack = 0;

    for (unsigned i = 0; i < v->eh.e_phnum; i++) {
        Elf64_Phdr ph = phdr(v, i);

        if (ph.p_type == PT_DYNAMIC)
            v->dynamic = ph;
        if (ph.p_type == PT_TLS)
            v->out->tls_bytes = ph.p_memsz;
        if (ph.p_type == PT_GNU_STACK) {
            has_stack = 1;
            v->out->flags |= ph.p_flags & PF_X ? ELF_EXEC_STACK : 0;
        }
    }
    if (!has_stack) /* the loader takes its absence for a yes */
        v->out->flags |= ELF_EXEC_STACK;
}

static uint32_t
dynamic_flags(const Elf64_Dyn *d)
{
    switch (d->d_tag) {
    case DT_TEXTREL: return ELF_TEXTREL;
    case DT_SYMBOLIC: return ELF_SYMBOLIC;
    case DT_FLAGS:
        return (d->d_un.d_val & DF_STATIC_TLS ? ELF_STATIC_TLS : 0) |
               (d->d_un.d_val & DF_TEXTREL ? ELF_TEXTREL : 0) |
               (d->d_un.d_val & DF_SYMBOLIC ? ELF_SYMBOLIC : 0);
    case DT_FLAGS_1: return d->d_un.d_val & DF_1_NODELETE ? ELF_NODELETE : 0;
    default: return 0;
    }
}

static void
take_dynamic(const Elf64_Dyn *d, struct dynamic *out)
{
    switch (d->d_tag) {
    case DT_STRTAB: out->strtab = d->d_un.d_ptr; break;
    case DT_STRSZ: out->strsz = d->d_un.d_val; break;
    case DT_SYMTAB: out->symtab = d->d_un.d_ptr; break;
    case DT_GNU_HASH: out->gnu_hash = d->d_un.d_ptr; break;
    case DT_HASH: out->hash = d->d_un.d_ptr; break;
    case DT_SONAME: out->soname = d->d_un.d_val; break;
    case DT_RPATH: out->rpath = d->d_un.d_val; break;
    case DT_RUNPATH: out->runpath = d->d_un.d_val; break;
    default: break;
    }
}

static int
read_dynamic(struct view *v, struct dynamic *out)
{
    uint64_t avail, n;
    const unsigned char *p;
    Elf64_Dyn d;

    if (v->dynamic.p_type == PT_NULL)
        return why_set(v->e, "is damaged: no dynamic section");
    p = locate(v, v->dynamic.p_vaddr, &avail);
    if (p == NULL || v->dynamic.p_filesz > avail)
        return why_set(v->e,
                       "is damaged: its dynamic section is in no segment");
    for (n = v->dynamic.p_filesz / sizeof d; n > 0; n--, p += sizeof d) {
        memcpy(&d, p, sizeof d);
        if (d.d_tag == DT_NULL)
            return 0;
        take_dynamic(&d, out);
        v->out->flags |= dynamic_flags(&d);
    }
    return why_set(v->e, "is damaged: its dynamic section has no end");
}

/* A name in the dynamic string table; absent if it is not inside. */
static et_str
string_at(et_str table, uint64_t off)
{
    et_str s = {NULL, 0};
    uint64_t room;

    if (off >= table.n)
        return s;
    room = table.n - off < NAME_MAX_LEN ? table.n - off : NAME_MAX_LEN;
    s.p = table.p + off;
    s.n = strnlen(s.p, room);
    return s;
}

static int
has_origin(et_str s)
{
    return s.p != NULL && (memmem(s.p, s.n, "$ORIGIN", 7) != NULL ||
                           memmem(s.p, s.n, "${ORIGIN}", 9) != NULL);
}

static int
read_strings(struct view *v, const struct dynamic *d)
{
    uint64_t avail;
    const unsigned char *p = locate(v, d->strtab, &avail);
    et_str table = {(const char *)p, d->strsz};

    if (p == NULL || d->strsz == 0 || d->strsz > avail ||
        p[d->strsz - 1] != '\0')
        return why_set(v->e, "is damaged: its string table is in no segment");
    v->out->strtab = table;
    if (d->soname != 0)
        v->out->soname = string_at(table, d->soname);
    if ((d->rpath != 0 && has_origin(string_at(table, d->rpath))) ||
        (d->runpath != 0 && has_origin(string_at(table, d->runpath))))
        v->out->flags |= ELF_ORIGIN;
    return 0;
}

/* ---- symbols --------------------------------------------------------------*/

static uint32_t
word_at(const unsigned char *p, uint64_t i)
{
    uint32_t w;

    memcpy(&w, p + 4 * i, sizeof w);
    return w;
}

/* How many symbols a GNU hash table knows of: the last chain's end.
 *
 *     n_buckets, first, n_bloom, shift | bloom[] | bucket[] | chain[]
 *
 * chain[i - first] belongs to symbol i; its lowest bit ends a chain. */
static int
count_by_gnu_hash(const unsigned char *p, uint64_t avail, uint64_t *n)
{
    uint64_t words = avail / 4, n_buckets, first, chain, last = 0;

    if (words < 4)
        return -1;
    n_buckets = word_at(p, 0);
    first = word_at(p, 1);
    chain = 4 + 2 * (uint64_t)word_at(p, 2) + n_buckets;
    if (chain > words)
        return -1;
    for (uint64_t i = chain - n_buckets; i < chain; i++)
        if (word_at(p, i) > last)
            last = word_at(p, i);
    *n = first;
    if (last < first)
        return 0;
    for (uint64_t i = chain + (last - first); i < words; i++, last++) {
        *n = last + 1;
        if (word_at(p, i) & 1)
            return 0;
    }
    return -1;
}

static int
count_symbols(const struct view *v, const struct dynamic *d, uint64_t *n)
{
    uint64_t avail;
    const unsigned char *p;

    p = locate(v, d->gnu_hash != 0 ? d->gnu_hash : d->hash, &avail);
    if (p == NULL || avail < 8)
        return -1;
    if (d->gnu_hash != 0)
        return count_by_gnu_hash(p, avail, n);
    *n = word_at(p, 1);
    return 0;
}

static Elf64_Sym
symbol(const struct elf_info *info, uint32_t i)
{
    Elf64_Sym sym;

    memcpy(&sym, info->symtab + (uint64_t)i * sizeof sym, sizeof sym);
    return sym;
}

static int
is_exported(const Elf64_Sym *sym)
{
    unsigned bind = ELF64_ST_BIND(sym->st_info);
    unsigned seen = ELF64_ST_VISIBILITY(sym->st_other);

    return sym->st_shndx != SHN_UNDEF &&
           (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
           (seen == STV_DEFAULT || seen == STV_PROTECTED);
}

et_str
elf_export(const struct elf_info *info, uint32_t i)
{
    Elf64_Sym sym = symbol(info, i);
    et_str none = {NULL, 0};

    return is_exported(&sym) ? string_at(info->strtab, sym.st_name) : none;
}

int
elf_is_preemptible(const struct elf_info *info, uint32_t i)
{
    Elf64_Sym sym = symbol(info, i);

    return !(info->flags & ELF_SYMBOLIC) && is_exported(&sym) &&
           ELF64_ST_VISIBILITY(sym.st_other) == STV_DEFAULT;
}

static void
classify_symbol(struct elf_info *out, uint32_t i)
{
    Elf64_Sym sym = symbol(out, i);
    et_str name = elf_export(out, i);

    if (name.p == NULL)
        return;
    out->n_exported++;
    if (ELF64_ST_BIND(sym.st_info) == STB_GNU_UNIQUE && out->n_unique++ == 0)
        out->unique_name = name;
    if (name.n == sizeof ENTRY_SYMBOL - 1 &&
        memcmp(name.p, ENTRY_SYMBOL, name.n) == 0)
        out->flags |= ELF_HAS_ENTRY;
}

static int
read_symbols(struct view *v, const struct dynamic *d)
{
    struct elf_info *out = v->out;
    uint64_t avail, n = 0;

    out->symtab = locate(v, d->symtab, &avail);
    if (out->symtab == NULL || count_symbols(v, d, &n) < 0 ||
        n > avail / sizeof(Elf64_Sym) || n > UINT32_MAX)
        return why_set(v->e, "is damaged: its symbol table is in no segment");
    out->n_symbols = (uint32_t)n;
    for (uint32_t i = 1; i < out->n_symbols; i++)
        classify_symbol(out, i);
    return 0;
}

/* ---- all of it ------------------------------------------------------------*/

static int (*const header_checks[])(struct view *) = {
    check_ident,    check_machine, check_type,         check_tables,
    check_sections, check_loads,   read_note_segments,
};

int
elf_read(const void *p, size_t n, struct elf_info *out, et_err *e)
{
    struct view v = {.p = p, .n = n, .out = out, .e = e};
    struct dynamic d = {0};
    int rc = 0;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(header_checks); i++)
        rc = header_checks[i](&v);
    if (rc == 0 && !(out->flags & ELF_HAS_NOTE))
        rc = read_note_section(&v);
    if (rc < 0)
        return rc;
    read_segment_flags(&v);
    rc = read_dynamic(&v, &d);
    if (rc == 0)
        rc = read_strings(&v, &d);
    if (rc == 0)
        rc = read_symbols(&v, &d);
    return rc;
}
