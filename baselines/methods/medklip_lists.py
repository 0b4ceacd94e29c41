"""The entities and places that MedKLIP asks for: names, spellings, explanations. No torch.

Chosen from what reports of chest radiographs name; the explanations are ours. The patterns are
regular expressions on lower-case text, matched from word border to word border. The classes of the
benchmark's classification tasks stand first, so that a small model, which takes the first entities
alone, has them all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entity:
    """One query.

    Attributes:
        name: As the query calls it.
        pattern: How reports call it.
        explanation: What the frozen text tower reads.
    """

    name: str
    pattern: str
    explanation: str


_HEART = r"(?:heart(?: size)?|cardiac (?:silhouette|size|contour)|cardiomediastinal silhouette)"
_LUNGS = r"(?:lungs?|lung fields?|lung parenchyma)"
_UP_TO = r"[^.,;]{0,40}?"

ENTITIES: tuple[Entity, ...] = (
    Entity(
        "atelectasis",
        r"atelecta(?:sis|ses|tic)|volume loss",
        "atelectasis: part of the lung has lost its air and volume, seen as streaky density",
    ),
    Entity(
        "cardiomegaly",
        rf"cardiomegaly|cardiac enlargement|enlargement of the heart|{_HEART}{_UP_TO}"
        r" (?:enlarged|increased)|enlarged (?:heart|(?:cardiac|cardiomediastinal) silhouette)"
        r"|cardiothoracic ratio is increased",
        "cardiomegaly: the heart is enlarged, wider than half of the chest",
    ),
    Entity(
        "effusion",
        r"effusions?|pleural fluid",
        "pleural effusion: fluid has collected in the pleural space and blunts the angle",
    ),
    Entity(
        "infiltrate",
        r"infiltrat(?:es?|ions?|ive)",
        "infiltrate: ill-defined patchy density in the lung, as from infection",
    ),
    Entity("mass", r"mass(?:es)?", "mass: a rounded density in the lung, larger than 3 cm"),
    Entity(
        "nodule",
        r"nodul(?:es?|ar)",
        "nodule: a small rounded density in the lung, up to 3 cm",
    ),
    Entity(
        "pneumonia",
        r"(?:broncho)?pneumonia|infectious process|airspace disease",
        "pneumonia: infection of the lung with opacification of airspaces",
    ),
    Entity(
        "pneumothorax",
        r"(?:hydro)?pneumothora(?:x|ces)"
        r"|air has collected between the lung and the chest wall",
        "pneumothorax: air in the pleural space beside a visible pleural line, no lung markings",
    ),
    Entity(
        "consolidation",
        r"consolidat(?:ions?|ive)",
        "consolidation: airspaces are filled and dense, vessels are hidden",
    ),
    Entity(
        "edema",
        r"o?edema",
        "pulmonary edema: fluid in the lung, indistinct vessels and increased markings",
    ),
    Entity(
        "emphysema",
        r"emphysema(?:tous)?",
        "emphysema: destroyed airspaces, hyperlucent and hyperinflated lungs",
    ),
    Entity(
        "fibrosis",
        r"fibro(?:sis|tic)",
        "fibrosis: coarse reticular markings and distortion of the lung",
    ),
    Entity(
        "pleural thickening",
        rf"pleural thickening|thickening of the pleura|pleura{_UP_TO} thickened|thickened pleura",
        "pleural thickening: the pleura along the chest wall is thick",
    ),
    Entity(
        "hernia",
        r"hernias?",
        "hiatal hernia: the stomach reaches into the chest behind the heart",
    ),
    Entity(
        "opacity",
        r"opacit(?:y|ies)|opacifications?|airspace densit(?:y|ies)",
        "lung opacity: an area of the lung is less clear than normal",
    ),
    Entity(
        "clear lungs",
        rf"clear lungs|{_LUNGS}{_UP_TO} (?:clear|normal|homogeneous)",
        "clear lungs: both lungs are normally aerated without abnormality",
    ),
    Entity(
        "normal heart",
        rf"{_HEART}{_UP_TO} (?:normal|unremarkable)|normal (?:heart|cardiac)(?: size| silhouette)?",
        "normal heart: the cardiac silhouette is of normal size",
    ),
    Entity(
        "normal chest",
        r"(?:normal|unremarkable) chest(?: radiograph)?",
        "normal chest: a radiograph without any abnormality",
    ),
    Entity(
        "acute process",
        r"acute (?:\w+ ){0,2}(?:process|abnormality|disease)",
        "acute process: a new abnormality of heart or lungs",
    ),
    Entity(
        "pacemaker",
        r"pacemakers?|pacing (?:device|leads?|wires?)|defibrillator|icd",
        "pacemaker: a device on the chest wall with leads into the heart",
    ),
    Entity(
        "endotracheal tube",
        r"endotracheal tube|et tube|ett|intubated|tracheostomy(?: tube)?",
        "endotracheal tube: a tube in the trachea above the carina",
    ),
    Entity(
        "enteric tube",
        r"(?:enteric|nasogastric|orogastric|feeding|dobbhoff|ng) tube",
        "enteric tube: a tube through the esophagus into the stomach",
    ),
    Entity(
        "central line",
        r"central (?:venous )?(?:line|catheter)|picc(?: line)?|port-?a-?cath|chest (?:wall )?port"
        r"|(?:jugular|subclavian) (?:line|catheter)|swan-ganz catheter",
        "central line: a catheter ends in the superior vena cava",
    ),
    Entity(
        "sternal wires",
        r"(?:median )?sternotomy(?: wires?)?|sternal wires?",
        "sternal wires: metal wires in the sternum after surgery of the heart",
    ),
    Entity(
        "chest tube",
        r"chest tubes?|pleural (?:drain|catheter)s?|pigtail catheters?|thoracostomy tube",
        "chest tube: a drain in the pleural space",
    ),
    Entity(
        "congestion",
        r"congest(?:ion|ed)|engorge(?:d|ment)|vascular indistinctness|cephalization"
        r"|(?:congestive )?heart failure|chf",
        "vascular congestion: pulmonary vessels are wide and indistinct",
    ),
    Entity(
        "interstitial markings",
        r"(?:interstitial|reticular|bronchovascular|lung) (?:markings|prominence)|reticulation",
        "interstitial markings: increased lines throughout the lungs",
    ),
    Entity(
        "hyperinflation",
        r"hyperinflat(?:ed|ion)|hyperexpan(?:ded|sion)|hyperlucen(?:t|cy)"
        r"|flatten(?:ed|ing)(?: of the)? (?:hemi)?diaphragms?",
        "hyperinflation: large lungs with flat diaphragms",
    ),
    Entity(
        "low lung volumes",
        r"low lung volumes?|hypoinflat(?:ed|ion)|(?:poor|shallow|low) inspirat(?:ion|ory effort)",
        "low lung volumes: a shallow breath crowds the vessels",
    ),
    Entity(
        "blunted angle",
        r"blunt(?:ed|ing)",
        "blunted costophrenic angle: the sharp angle of the pleura is filled",
    ),
    Entity(
        "sharp angles",
        rf"costophrenic angles{_UP_TO} (?:sharp|clear)|sharp costophrenic angles",
        "sharp costophrenic angles: no fluid in the pleural space",
    ),
    Entity(
        "normal mediastinum",
        rf"(?:mediastin(?:um|al)|hil(?:a|ar)){_UP_TO} (?:normal|unremarkable)"
        rf"|normal{_UP_TO} mediastinum",
        "normal mediastinum: contours of mediastinum and hila are normal",
    ),
    Entity(
        "wide mediastinum",
        rf"mediastin(?:um|al){_UP_TO} (?:wide(?:ned|ning)?|enlarged)|widened mediastinum",
        "wide mediastinum: the middle of the chest is broader than normal",
    ),
    Entity(
        "enlarged hilum",
        r"hilar (?:enlargement|prominence|fullness|adenopathy|lymphadenopathy)|adenopathy"
        r"|lymphadenopathy|prominent hila",
        "enlarged hilum: lymph nodes or vessels at the hilum are large",
    ),
    Entity(
        "tortuous aorta",
        rf"tortu(?:ous|osity)|aort(?:a|ic){_UP_TO} (?:unfolded|ectatic|dilated)",
        "tortuous aorta: the aorta is long and winding",
    ),
    Entity(
        "calcification",
        r"calcifi(?:ed|cations?)|granulomas?",
        "calcification: dense calcium in a vessel, lymph node or nodule",
    ),
    Entity(
        "fracture",
        r"fractures?",
        "fracture: a broken rib, clavicle or vertebra",
    ),
    Entity(
        "intact bones",
        rf"(?:bones|osseous structures|bony structures|ribs){_UP_TO} (?:intact|unremarkable)",
        "intact bones: ribs, clavicles and spine are normal",
    ),
    Entity(
        "degenerative change",
        r"degenerative(?: changes?)?|osteophytes?|spondylosis|scoliosis|kyphosis",
        "degenerative change: worn joints of the spine",
    ),
    Entity(
        "elevated diaphragm",
        rf"elevat(?:ed|ion){_UP_TO} (?:hemi)?diaphragms?|(?:hemi)?diaphragm{_UP_TO} elevated"
        r"|eventration",
        "elevated diaphragm: one half of the diaphragm stands higher",
    ),
    Entity(
        "scar",
        r"scar(?:s|ring)?",
        "scar: old linear density in the lung",
    ),
    Entity(
        "collapse",
        r"collaps(?:e|ed)",
        "collapse: a lobe or the lung has no air",
    ),
    Entity(
        "mediastinal shift",
        rf"(?:mediastinal|tracheal|midline) (?:shift|deviation)|trachea{_UP_TO} deviated",
        "mediastinal shift: heart and trachea are pushed to one side",
    ),
    Entity(
        "aspiration",
        r"aspiration",
        "aspiration: swallowed matter in the lower lungs",
    ),
    Entity(
        "cavity",
        r"cavit(?:y|ies|ary|ation)|abscess",
        "cavity: a hollow lesion with a wall in the lung",
    ),
    Entity(
        "subcutaneous air",
        r"subcutaneous (?:air|emphysema|gas)",
        "subcutaneous air: air in the soft tissues of the chest wall",
    ),
    Entity(
        "free air",
        r"free (?:\w+ )?air|pneumoperitoneum|pneumomediastinum",
        "free air: air below the diaphragm or in the mediastinum",
    ),
    Entity(
        "surgical clips",
        r"(?:surgical )?clips|staples|sutures?|hardware|stents?",
        "surgical clips: metal that surgery has left",
    ),
    Entity(
        "prosthetic valve",
        r"(?:prosthetic|mechanical|aortic|mitral) valves?(?: replacement)?",
        "prosthetic valve: a metal valve in the heart",
    ),
    Entity(
        "monitoring leads",
        r"(?:ecg|ekg|monitoring) leads",
        "monitoring leads: wires on the skin of the chest",
    ),
    Entity(
        "rotation",
        r"rotat(?:ed|ion)",
        "rotation: the patient was not straight before the detector",
    ),
)

_SIDES = ("left", "right")
_BOTH = r"(?:both|bilateral|bilaterally|bi-?basilar|bi-?basal)"


def _sided(side: str) -> tuple[tuple[str, str], ...]:
    """Places of one half of the chest and how reports call them."""
    return (
        (f"{side} upper lung", rf"{side} upper (?:lung|lobe|zone)|upper {side} lung"),
        (f"{side} mid lung", rf"{side} mid(?:dle)? (?:lung|lobe|zone)|mid {side} lung"),
        (f"{side} lower lung", rf"{side} lower (?:lung|lobe|zone)|lower {side} lung"),
        (f"{side} apex", rf"{side} (?:lung )?(?:apex|apical)"),
        (f"{side} base", rf"{side} (?:lung )?(?:base|basal|basilar|bibasilar)"),
        (f"{side} hilum", rf"{side} (?:hilum|hilar|perihilar)"),
        (f"{side} pleural space", rf"{side} pleura(?:l(?: space)?)?|{side} costophrenic"),
        (f"{side} diaphragm", rf"{side} (?:hemi)?diaphragm"),
        (f"{side} lung", rf"{side} lung"),
        (f"{side} chest", rf"{side}(?:-sided)?"),
    )


LOCATIONS: tuple[tuple[str, str], ...] = (
    *(place for side in _SIDES for place in _sided(side)),
    ("lingula", r"lingula(?:r)?"),
    ("both upper lungs", r"both upper (?:lungs|lobes|zones)|upper (?:lobes|zones) bilaterally"),
    ("both mid lungs", r"both mid (?:lungs|zones)|mid zones bilaterally"),
    ("both lower lungs", r"both lower (?:lungs|lobes|zones)|lower (?:lobes|zones) bilaterally"),
    ("both apices", r"both apices|apices(?: bilaterally)?|biapical"),
    (
        "both bases",
        r"(?:both )?(?:lung )?bases(?: bilaterally)?|both basal regions|bibas(?:al|ilar)",
    ),
    ("both hila", r"both (?:hila|perihilar regions)|hila|perihilar"),
    ("both lungs", r"both lungs|throughout the lungs|diffuse(?:ly)?"),
    ("both pleural spaces", r"both pleural spaces|both costophrenic angles"),
    ("both sides", _BOTH),
    ("retrocardiac region", r"retrocardiac|behind the heart"),
    ("mediastinum", r"mediastin(?:um|al)"),
    ("heart", r"cardiac|heart"),
    ("aorta", r"aort(?:a|ic)"),
    ("trachea", r"trache(?:a|al)|carina"),
    ("superior vena cava", r"superior vena cava|svc|cavoatrial junction"),
    ("stomach", r"stomach|gastric|below the diaphragm"),
    ("chest wall", r"chest wall|soft tissues"),
    ("ribs", r"ribs?|clavicles?"),
    ("spine", r"spine|vertebra(?:l|e)?|thoracolumbar"),
    ("fissure", r"fissur(?:e|es|al)"),
)
"""Name and pattern; where one match lies within another, the longer one counts."""
