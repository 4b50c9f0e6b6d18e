// Placeholders in texts: our merge fields, and the spellings of other products, as in outbox/placeholders.py.
"use strict";

(() => {
  // The tables of outbox/placeholders.py; a test compares them.
  const TABLES = {
    "shapes": [
      ["\\{\\{\\s*\\$\\{([^{}\\n]{1,80})\\}([^{}\\n]{0,80})\\}\\}", "any"],
      ["\\{\\{\\{?([^{}\\n]{1,120})\\}\\}\\}?", "any"],
      ["\\{%([^%\\n]{1,120})%\\}", "any"],
      ["<%=?([^%<>\\n]{1,120})%>", "any"],
      ["\\*\\|([^|*\\n]{1,80})\\|\\*", "any"],
      ["\\{!\\s*\\$?([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][^{}\\n]{0,80})\\}", "any"],
      ["\\{\\s*((?:[Ff][Ii][Ee][Ll][Dd]):[^{}|\\n]{1,80})(\\|[^{}\\n]*)?\\}", "any"],
      ["[$#]?\\{\\$?\\s*([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff]+(?:[ \\u00a0][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff]+){0,2})\\s*(\\|[^{}\\n]*)?\\}", "any"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_%])%%([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3](?:[^%\\n]{0,58}[A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9])?)%%(?!%)", "any"],
      ["%\\(([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_]{3,40})\\)s", "any"],
      ["(?<!<)<<\\s*([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)\\s*>>(?!>)", "known"],
      ["\\[\\[\\s*([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)\\s*\\]\\]", "known"],
      ["\\[%?\\s*([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)\\s*%?\\](?!\\()", "known"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_%])%([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)%(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_%])", "field"],
      ["(?<!<)<\\s?([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)\\s?>(?!>)", "field"],
      ["\\(\\(\\s*([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)\\s*\\)\\)", "field"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_])__([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40}?)__(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_])", "sure"],
      ["\\u00ab\\s?([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.\\-\\u200b-\\u200d\\u2060\\ufeff \\u00a0]{1,60}?)\\s?\\u00bb", "sure"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_.@])@([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})@?(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_@])", "sure"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_#])#([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})#(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_#])", "sure"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_~])~([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})~(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_~])", "sure"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_:]):([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40}):(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_:])", "sure"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_\\-])-([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})-(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_\\-])", "sure"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_$])\\$([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})\\$?(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_$])", "sure"],
      ["\\{{1,3}\\s*([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})(?![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_])", "half"],
      ["(?<![A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a30-9_])([A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3][A-Za-z\\u00c0-\\u024f\\u0300-\\u1fff\\u3040-\\ud7a3_.]{3,40})\\s*\\}{1,3}", "half"]
    ],
    "fields": {
      "first_name": "firstname,fname,first,givenname,forename,vorname,prenom,nombre,primernombre,nome,primeironome",
      "last_name": "lastname,lname,surname,familyname,nachname,familienname,zuname,apellido,apellidos,nom,nomdefamille,sobrenome,apelido,ultimonome",
      "full_name": "name,fullname,nombrecompleto,nomcomplet,nomecompleto,vollername,vollstandigername",
      "phone": "phone,phonenumber,mobile,mobilephone,mobilenumber,cell,cellphone,telefon,telefonnummer,handynummer,telephone,telefono,telefone,celular,numerodetelefono",
      "email": "email,emailaddress,mail,mailadresse,emailadresse,correo,correoelectronico,courriel"
    },
    "other": "company,companyname,business,businessname,organization,organisation,agent,agentname,repname,sendername,date,time,day,appointment,appointmentdate,appointmenttime,duedate,address,city,link,url,amount,price,ordernumber,invoicenumber,title,empresa,entreprise,firma,unternehmen,fecha,hora,datum,uhrzeit,adresse,direccion,endereco,data,signature",
    "owners": "contact,customer,client,recipient,person,lead,subscriber,member,patient,guest,student,custom,customfield,customfields,field,fields,attribute,attributes,profile,kontakt,kunde,contacto,cliente,destinatario,contato",
    "senders": "your,my,our,dein,ihr,tu,su,votre,mon,seu",
    "sure": "firstname,fname,lastname,lname,fullname,givenname,familyname,phonenumber,emailaddress,vorname,nachname,prenom,primernombre,nombrecompleto,nomcomplet,nomecompleto,primeironome,nomdefamille"
  };

  const words = (text) => text.split(",");
  const FIELDS = new Map(Object.entries(TABLES.fields).flatMap(([name, text]) => words(text).map((word) => [word, name])));
  const OTHER = new Set(words(TABLES.other));
  const SURE = new Set(words(TABLES.sure));
  const OWNERS = words(TABLES.owners).sort((one, two) => two.length - one.length);
  const SENDERS = words(TABLES.senders);
  const SHAPES = TABLES.shapes.map(([expression, counts]) => [new RegExp(expression, "gu"), counts]);
  const OWN = new Set(Object.keys(TABLES.fields));
  const CUSTOM = "field:";

  const plain = (name) => (
    Array.from(name.normalize("NFKD").toLowerCase()).filter((char) => /[\p{L}\p{N}]/u.test(char)).join("")
  );

  const own = (inside) => {
    if (inside.slice(0, CUSTOM.length).toLowerCase() === CUSTOM) return CUSTOM + inside.slice(CUSTOM.length).trim();
    return OWN.has(inside.toLowerCase()) ? inside.toLowerCase() : "";
  };

  // "contact.first_name" -> "firstname"
  const owned = (name) => {
    const parts = name.split(".").filter(plain);
    const last = plain(parts.pop() ?? "");
    if (parts.some((owner) => !OWNERS.includes(plain(owner)))) return "";
    const owner = OWNERS.find((one) => last.startsWith(one) && FIELDS.has(last.slice(one.length)));
    return owner ? last.slice(owner.length) : last;
  };

  const isKnown = (name) => {
    if (/^insert[ _]/i.test(name)) return true;
    const word = owned(name);
    const senders = SENDERS.filter((sender) => word.startsWith(sender));
    return [word, ...senders.map((sender) => word.slice(sender.length))].some((one) => FIELDS.has(one) || OTHER.has(one));
  };

  const read = (match, counts, custom) => {
    let inside = match[1].trim();
    const found = { index: match.index, text: match[0], field: "" };
    if (counts === "any" && /^\{[^{$!%]/.test(match[0]) && own(inside)) return { ...found, field: own(inside) };
    if (!match[2]) inside = inside.split(/[|,:]/)[0];
    const word = owned(inside);
    const accepted = {
      any: () => /[\p{L}\p{N}]/u.test(inside), known: () => isKnown(inside), field: () => FIELDS.has(word),
    }[counts] ?? (() => SURE.has(word));
    return accepted() ? { ...found, field: FIELDS.get(word) ?? custom.get(word) ?? "" } : null;
  };

  // The placeholders of a text, in order: {index, text, field}. custom: keys of the contact's custom fields.
  window.portalPlaceholders = (text, custom = []) => {
    const keys = new Map(custom.map((key) => [plain(key), CUSTOM + key]));
    const found = [];
    SHAPES.forEach(([expression, counts]) => {
      for (const match of text.matchAll(expression)) {
        const end = match.index + match[0].length;
        const free = found.every((one) => end <= one.index || one.index + one.text.length <= match.index);
        const placeholder = free ? read(match, counts, keys) : null;
        if (placeholder) found.push(placeholder);
      }
    });
    return found.sort((one, two) => one.index - two.index);
  };
  window.portalPlaceholders.tables = TABLES;
})();
